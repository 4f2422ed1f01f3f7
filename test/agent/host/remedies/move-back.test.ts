/** The way back of a gateway's move when its former user, or a restart of the machine, changed what it finds. */
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Carried } from "../../../../agent/host/remedies/move/carried.ts";
import { moveBack } from "../../../../agent/host/remedies/move/effect-move.ts";
import { Records } from "../../../../agent/host/remedies/record.ts";
import { failed, isRoot, ok, StandIn } from "./stand-in.ts";

const FROM = "/srv/deploy/.openclaw";
const HOME = "/home/openclaw";
const USER = 1000;

let host: StandIn;
let carried: Carried;

beforeEach(() => {
  host = new StandIn();
  host.program = (argv) => (argv.includes("is-active") ? failed("inactive") : ok());
  host.write(`${FROM}/openclaw.json`, "{}");
  host.write(`${HOME}/.openclaw/openclaw.json`, "{}");
  if (!isRoot) return;
  const { dev, ino } = statSync(path.join(host.root, FROM));
  const directory = { device: dev, inode: ino, uid: USER, gid: USER, mode: 0o700 };
  const former = { kind: "system", unit: "gateway.service", user: "deploy", uid: USER, gid: USER } as const;
  carried = { former, from: FROM, directory, home: HOME, hadHome: false, port: 18_789, hasEnvironment: false };
  host.disk.giveDirectory(FROM, directory, { uid: 0, gid: 0, mode: 0 });
});
afterEach(() => host.remove());

const back = (isProven = false) => moveBack(host.hands, JSON.stringify(carried), { direction: "back", isProven });
const STARTED = "systemctl start -- gateway.service";

describe.runIf(isRoot)("the way back", () => {
  it("opens the former directory, takes the copy away and starts the former service", async () => {
    await back();
    const { uid, gid, mode } = statSync(path.join(host.root, FROM));
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: USER, gid: USER, mode: 0o700 });
    expect(host.asked.some((one) => one.startsWith("rm -rf"))).toBe(true);
    expect(host.asked).toContain(STARTED);
  });
  // Disks are numbered anew at each start.
  it("knows the directory that it closed by another number of its disk", async () => {
    carried = { ...carried, directory: { ...carried.directory, device: carried.directory.device + 1 } };
    await back();
    expect(statSync(path.join(host.root, FROM)).uid).toBe(USER);
  });
  it.each([
    ["deleted", () => renameSync(path.join(host.root, FROM), path.join(host.root, "gone"))],
    [
      "put aside by the former user, with one of his own in its place",
      () => {
        renameSync(path.join(host.root, FROM), path.join(host.root, `${FROM}.aside`));
        mkdirSync(path.join(host.root, FROM));
      },
    ],
  ])("still starts the former service where the directory was %s, and keeps the copy", async (_, change) => {
    change();
    await expect(back()).rejects.toThrow(FROM);
    expect(host.asked).toContain(STARTED);
    expect(host.asked.some((one) => one.startsWith("rm -rf"))).toBe(false);
    const aside = path.join(host.root, `${HOME}.taken-back-${String(host.now)}`);
    expect(existsSync(path.join(aside, ".openclaw/openclaw.json"))).toBe(true);
    expect(statSync(aside).mode & 0o777).toBe(0o700);
  });

  it("is not begun for a move that stands where the former directory is gone, and is where it is there", async () => {
    const fix = "fix-0123456789abcdef";
    new Records(host.directory).save({
      v: 1,
      fix,
      checks: ["usr.dedicated"],
      state: "applied",
      at: host.now,
      author: "p-1",
      plan: "A".repeat(43),
      touched: [],
      deeds: [],
      effects: [{ name: "gateway-move", of: JSON.stringify(carried), before: "" }],
      holder: { pid: 1, began: "0" },
      rules: "",
    });
    const [place, elsewhere] = [path.join(host.root, FROM), path.join(host.root, "elsewhere")];
    renameSync(place, elsewhere);
    expect(await host.rollback(fix)).toMatchObject({ kind: "refused", code: "former_state_gone" });
    expect(host.asked).toEqual([]);
    renameSync(elsewhere, place);
    expect(await host.rollback(fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
  });
});

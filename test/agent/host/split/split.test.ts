/**
 * Three processes with three users, started by hand as systemd would: who can open what, a command from end to end, and a
 * warden that sleeps and wakes. Needs root.
 */
import "reflect-metadata";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readStatus } from "../../../../agent/host/status-file.ts";
import { hostLayout, type HostLayout } from "../../../../agent/host/units/layout.ts";
import { buildAgent } from "../../../attack/agent-build.ts";
import { places } from "../../../attack/deployment.ts";
import { makeTlsMaterial } from "../../../attack/malicious-edge.ts";
import { Scene } from "../../../attack/scene.ts";
import { makeTown } from "../../../attack/town.ts";
import { canSplit, LINK_UID, READER_UID } from "./split-host.ts";

const START_MILLISECONDS = 60_000;
/** The warden waits for quiet, and whoever waits for it waits longer. */
const SLEEP_MILLISECONDS = 45_000;

describe.skipIf(!canSplit())("an installed host", () => {
  let directory: string;
  let scene: Scene;
  let layout: HostLayout;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "clawhold-split-build-"));
    chmodSync(directory, 0o755); // three users run what is built there
    const stand = { town: await makeTown(), tls: await makeTlsMaterial(places.local) };
    scene = await Scene.open({ ...stand, program: await buildAgent(directory), agent: "split" });
    layout = hostLayout({ root: path.resolve(scene.directory.path, "../../..") });
  }, START_MILLISECONDS);
  afterAll(async () => {
    await scene.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const logged = (event: string) => scene.happenings.logged(0, (line) => line["event"] === event);

  /** Whether this user can read a file, list a directory or connect to a socket. */
  function opens(uid: number, at: string): boolean {
    const program = `const [,at]=process.argv;const f=require("fs").lstatSync(at);
      if(f.isSocket()){const s=require("net").connect(at,()=>process.exit(0));s.on("error",()=>process.exit(1))}
      else if(f.isDirectory())require("fs").readdirSync(at);else require("fs").readFileSync(at)`;
    const as = [
      "--reuid",
      String(uid),
      "--regid",
      String(uid),
      "--clear-groups",
      "--",
      process.execPath,
      "-e",
      program,
      at,
    ];
    const { status } = spawnSync("setpriv", as, { stdio: "ignore", timeout: 20_000 });
    return status === 0;
  }

  /** First, because a receipt that this edge never proves would keep the warden awake for ten minutes. */
  it("lets the warden sleep, and wakes it for a command on the same tunnel, from end to end", async () => {
    await expect.poll(() => logged("warden_asleep"), { timeout: SLEEP_MILLISECONDS }).toBeDefined();
    await expect.poll(() => processes("warden")).toEqual([]);
    const mark = scene.happenings.mark;
    const { outcome } = await scene.honest(scene.town.actors.otto);
    expect(outcome).toBe("executed");
    expect(scene.isEven).toBe(true);
    const since = scene.happenings.since(mark);
    expect(since.filter((item) => item.kind === "frame" && item.frame.kind === "hello")).toEqual([]);
    expect(readStatus(layout.linkStatus)).toMatchObject({ tunnel: "connected", admitted: true });
  });

  it("gives the reader its device, and to nobody else", async () => {
    await expect.poll(() => logged("reader_provided")).toBeDefined();
    const key = `${layout.readerState}/gateway-reader.key.json`;
    expect(statSync(key)).toMatchObject({ uid: READER_UID, mode: 0o10_0600 });
    expect([opens(READER_UID, key), opens(LINK_UID, key)]).toEqual([true, false]);
  });

  it("keeps the link from keys, gateway and reader, and the reader from the link and the warden", () => {
    const { wardenState, gatewayState, readerState, linkState, hostFile } = layout;
    const { gatewaySocket, readerSocket, wardenSocket, telemetrySocket, doorSocket } = layout;
    const closedToAll = [
      `${wardenState}/keys.json`,
      wardenState,
      gatewayState,
      gatewaySocket,
      readerSocket,
      doorSocket,
    ];
    const open = (uid: number, all: readonly string[]): readonly string[] => all.filter((at) => opens(uid, at));
    const linkOnly = [`${linkState}/tls.json`, wardenSocket, telemetrySocket];
    expect(open(LINK_UID, [...closedToAll, readerState, hostFile])).toEqual([hostFile]);
    expect(open(READER_UID, [...closedToAll, linkState, ...linkOnly.slice(0, 2), hostFile])).toEqual([hostFile]);
    // Not the warden's: whoever connects there takes the link's place.
    expect(open(LINK_UID, [`${linkState}/tls.json`])).toHaveLength(1);
    for (const at of [...closedToAll, ...linkOnly, hostFile]) expect(existsSync(at), at).toBe(true);
  });

  it("gives the warden a network with nothing in it", () => {
    const warden = processes("warden")[0] ?? expect.fail("no warden");
    expect(readlinkSync(`/proc/${warden}/ns/net`)).not.toBe(readlinkSync("/proc/self/ns/net"));
    const interfaces = readFileSync(`/proc/${warden}/net/dev`, "latin1").match(/^\s*\w+:/gm);
    expect(interfaces?.map((name) => name.trim())).toEqual(["lo:"]);
  });

  /** Their process ids; what only listens in their place is not one. */
  function processes(role: string): readonly string[] {
    const { stdout } = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" });
    return stdout.split("\n").flatMap((line) => {
      const [, pid = "", args = ""] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
      const isIt = args.includes(directory) && args.includes(`host ${role} `) && !args.includes("socket-activate");
      return isIt ? [pid] : [];
    });
  }
});

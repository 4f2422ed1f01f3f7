import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ENABLED_UNITS } from "../../../agent/host/units/layout.ts";
import { UPDATE_UNITS } from "../../../agent/install/update/places.ts";
import { Rig } from "./rig.ts";

let rig: Rig;

beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.remove());

/** After so many come the units, one like the other. */
const DISTINCT = 12;

const inUse = (): string => readlinkSync(rig.layout.current);

describe("an installation", () => {
  it("makes users, program, units and a place in the workspace, and starts them", async () => {
    await rig.install();
    expect([...rig.users]).toEqual(["clawhold", "clawhold-reader"]);
    expect([...rig.enabled].toSorted()).toEqual([...ENABLED_UNITS, UPDATE_UNITS.guard].toSorted());
    expect(inUse()).toBe("1.0.0");
    expect(readFileSync(`${rig.layout.programs}/1.0.0/node-path`, "utf8")).toBe("/usr/bin/node\n");
    expect(rig.joins).toBe(1);
  });

  it("changes nothing the second time, and spends no token on it", async () => {
    await rig.install();
    const before = rig.tree();
    const ran = rig.ran.length;
    expect(await rig.install()).toEqual({ steps: [] });
    expect(rig.tree()).toEqual(before);
    expect(rig.ran.slice(ran).filter((line) => !/ is-(enabled|active) /.test(line))).toEqual([]);
    expect(rig.joins).toBe(1);
  });

  it("gives away no file that the link's user leads it to, whenever he does", async () => {
    await rig.install();
    const victim = path.join(rig.root, "shadow");
    const tls = `${rig.layout.linkState}/tls.json`;
    const { userOf } = rig.system;
    for (let at = 0; at < 90; at += 1) {
      writeFileSync(victim, "");
      chmodSync(victim, 0o640);
      rmSync(tls, { force: true });
      writeFileSync(tls, "{}");
      chmodSync(tls, 0o644);
      let left = at;
      const spy = vi.spyOn(rig.system, "userOf").mockImplementation((name) => {
        if (left === 0) {
          rmSync(tls, { force: true });
          symlinkSync(victim, tls);
        }
        left -= 1;
        return userOf(name);
      });
      const outcome = await rig.install("1.1.0").catch((error: unknown) => error);
      spy.mockRestore();
      expect([statSync(victim).mode & 0o777, at, outcome]).toEqual([0o640, at, outcome]);
    }
  });

  it("in a dry run says the same steps and changes nothing", async () => {
    const before = rig.tree();
    const { steps: planned } = await rig.install("1.0.0", { isDryRun: true });
    expect({ tree: rig.tree(), users: rig.users.size, ran: rig.ran }).toEqual({ tree: before, users: 0, ran: [] });
    const { steps } = await rig.install();
    // Joining makes some of the directories by itself.
    expect(planned).toEqual(expect.arrayContaining([...steps]));
  });

  it("that is cut off anywhere is finished by the next one", async () => {
    await rig.install();
    const whole = rig.tree();
    rig.remove();
    for (let at = 0; ; at += at < DISTINCT ? 1 : 4) {
      const cut = new Rig();
      try {
        cut.failAfter = at;
        const isCut = await cut.install().then(
          () => false,
          () => true,
        );
        cut.failAfter = -1;
        await cut.install();
        expect(cut.tree()).toEqual(whole);
        expect(await cut.install()).toEqual({ steps: [] });
        if (!isCut) break;
      } finally {
        cut.remove();
      }
    }
  });
});

describe("the key that signs releases", () => {
  const pinned = (): string => readFileSync(`${rig.layout.wardenState}/release-key.json`, "utf8");

  it("is pinned by whoever installs by hand, and stays when a later archive brings none", async () => {
    rig.releaseKey = "first";
    await rig.install("1.0.0");
    expect(pinned()).toBe("first");
    rig.releaseKey = undefined;
    await rig.install("1.0.1", { sum: "b".repeat(64) });
    expect(pinned()).toBe("first");
  });
});

describe("an upgrade", () => {
  it("puts the newer version beside, and keeps the one before as the way back", async () => {
    await rig.install("1.9.0");
    rig.ran.length = 0;
    await rig.install("1.10.0", { sum: "b".repeat(64) });
    expect([inUse(), readlinkSync(rig.layout.previous)]).toEqual(["1.10.0", "1.9.0"]);
    expect(rig.ran).toContain(`systemctl restart ${ENABLED_UNITS.join(" ")}`);
    expect(rig.joins).toBe(1);
  });

  it("removes what is neither in use nor the way back", async () => {
    for (const [version, sum] of [
      ["1.0.0", "a"],
      ["1.0.1", "b"],
      ["1.0.2", "c"],
    ] as const)
      await rig.install(version, { sum: sum.repeat(64) });
    expect(existsSync(`${rig.layout.programs}/1.0.0`)).toBe(false);
    expect(existsSync(`${rig.layout.programs}/1.0.1`)).toBe(true);
  });

  it("to an older version is refused", async () => {
    await rig.install("1.10.0");
    const before = rig.tree();
    await expect(rig.install("1.9.0", { sum: "b".repeat(64) })).rejects.toMatchObject({ code: "already_newer" });
    expect(rig.tree()).toEqual(before);
  });

  it("to the same version with other content is refused", async () => {
    await rig.install();
    await expect(rig.install("1.0.0", { sum: "b".repeat(64) })).rejects.toMatchObject({ code: "release_changed" });
  });
});

describe("what is somebody else's", () => {
  it.each([
    ["a user", () => rig.users.add("clawhold")],
    ["a command", () => writeFileSync(rig.layout.launcher, "#!/bin/sh\n")],
    ["an edge's data", () => plant(rig.layout.data, "edge.json")],
    ["a clone", () => plant(rig.layout.programs, "package.json")],
  ])("%s: refused, and nothing changed", async (_what, prepare) => {
    prepare();
    const before = rig.tree();
    await expect(rig.install()).rejects.toMatchObject({ code: "foreign" });
    expect({ tree: rig.tree(), ran: rig.ran }).toEqual({ tree: before, ran: [] });
  });

  it("a link where a directory of ours would be is not followed", async () => {
    await rig.install();
    rmSync(rig.layout.readerState, { recursive: true });
    symlinkSync(rig.root, rig.layout.readerState);
    await expect(rig.install()).rejects.toMatchObject({ code: "foreign" });
  });

  it("an archive with something else than files in it is not installed", async () => {
    const from = rig.release("1.0.0");
    symlinkSync("/etc/shadow", path.join(from, "advisories.json"));
    await expect(rig.install()).rejects.toMatchObject({ code: "release_damaged" });
    expect(existsSync(`${rig.layout.programs}/1.0.0`)).toBe(false);
  });

  it("a host of another workspace stays there", async () => {
    await rig.install();
    await expect(rig.install("1.0.0", { workspace: "x".repeat(43) })).rejects.toMatchObject({
      code: "workspace_other",
    });
  });
});

function plant(directory: string, name: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, name), "{}");
}

describe("a removal", () => {
  it("leaves nothing behind", async () => {
    const bare = rig.tree();
    await rig.install();
    await rig.uninstall();
    expect(rig.tree()).toEqual(bare);
    expect({ users: rig.users.size, enabled: rig.enabled.size }).toEqual({ users: 0, enabled: 0 });
  });

  it("that is cut off anywhere is finished by the next one", async () => {
    const nothing = { tree: rig.tree(), users: 0, enabled: 0 };
    for (let at = 0; ; at += at < DISTINCT ? 1 : 4) {
      const cut = new Rig();
      try {
        await cut.install();
        cut.failAfter = at;
        const isCut = await cut.uninstall().then(
          () => false,
          () => true,
        );
        cut.failAfter = -1;
        if (!isCut) break;
        await cut.uninstall();
        expect({ tree: cut.tree(), users: cut.users.size, enabled: cut.enabled.size }).toEqual(nothing);
      } finally {
        cut.remove();
      }
    }
  });

  it("removes nothing while a remedy cannot be put back", async () => {
    await rig.install();
    const before = rig.tree();
    await expect(rig.uninstall(() => Promise.reject(new Error("no way back")))).rejects.toThrow("no way back");
    expect(rig.tree()).toEqual(before);
  });

  it("leaves a directory for settings that was there before", async () => {
    plant(rig.layout.settings, "deny");
    await rig.install();
    await rig.uninstall();
    expect(existsSync(`${rig.layout.settings}/deny`)).toBe(true);
  });

  it("of what was never installed says so", async () => {
    await expect(rig.uninstall()).rejects.toMatchObject({ code: "not_installed" });
  });
});

/**
 * Rights that a fix takes away lie in directories of the gateway's user, who may put anything in their place while root works
 * there. Needs root: owners are kept.
 */
import { chmodSync, chownSync, existsSync, renameSync, statSync, symlinkSync, truncateSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rollbackAll } from "../../../../agent/host/remedies/verbs.ts";
import { isRoot, StandIn } from "./stand-in.ts";

const USER = 4_242;
const STATE = "/home/openclaw/.openclaw";

let host: StandIn;

/** A file of the gateway's user. */
function own(file: string, text: string, mode: number): void {
  host.write(file, text);
  const place = path.join(host.root, file);
  chownSync(place, USER, USER);
  chmodSync(place, mode);
}

const modeOf = (file: string): number => statSync(path.join(host.root, file)).mode & 0o7777;

/** What its user can do at any instant: from now on the directory is another one. */
function leadElsewhere(to: string): void {
  renameSync(path.join(host.root, STATE), path.join(host.root, `${STATE}-away`));
  symlinkSync(path.join(host.root, to), path.join(host.root, STATE));
}

beforeEach(() => {
  host = new StandIn();
  host.write(
    "/etc/passwd",
    `root:x:0:0::/root:/bin/bash\nopenclaw:x:${String(USER)}:${String(USER)}::/home/openclaw:\n`,
  );
  own(`${STATE}/openclaw.json`, "{}", 0o644);
  own(`${STATE}/ld.so.preload`, "/home/openclaw/mine.so\n", 0o6777);
  for (const directory of ["/home/openclaw", STATE]) chownSync(path.join(host.root, directory), USER, USER);
});
afterEach(() => host.remove());

describe.skipIf(!isRoot)("rights in somebody else's directory", () => {
  it("are taken, and given back, without a word of content", async () => {
    const fix = await host.mend("gw.state.perms");
    expect(modeOf(`${STATE}/openclaw.json`)).toBe(0o600);
    own(`${STATE}/openclaw.json`, '{"gateway":{"bind":"loopback"}}', 0o600);
    expect(await host.rollback(fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
    expect(modeOf(`${STATE}/openclaw.json`)).toBe(0o644);
    expect(host.read(`${STATE}/openclaw.json`)).toContain("loopback");
    // The file's own user could set it again; root gives such rights to nobody.
    expect(modeOf(`${STATE}/ld.so.preload`)).toBe(0o777);
  });

  it("put nothing where a link leads by the time that they are taken back", async () => {
    host.afterStep = (step) => {
      if (step !== "apply") return Promise.resolve();
      leadElsewhere("/etc");
      return Promise.reject(new Error("cut off"));
    };
    await host.apply("gw.state.perms");
    expect(existsSync(path.join(host.root, "etc/ld.so.preload"))).toBe(false);
    expect(await host.states()).toEqual(["undone apply_failed"]);
  });

  it("loosen nothing of root's, when a fix of long ago is taken back", async () => {
    const fix = await host.mend("gw.state.perms");
    host.write("/etc/ld.so.preload", "/home/openclaw/mine.so\n");
    leadElsewhere("/etc");
    await host.rollback(fix);
    await rollbackAll(host.options);
    expect(modeOf("/etc/ld.so.preload")).toBe(0o644);
    expect(statSync(path.join(host.root, "etc/ld.so.preload")).uid).toBe(0);
  });

  it("keep nothing else from coming back, where a directory of ours is somebody else's by then", async () => {
    host.afterStep = (step) => {
      if (step !== "apply") return Promise.resolve();
      chmodSync(path.join(host.root, "etc/systemd/system/multi-user.target.wants"), 0o777);
      return Promise.reject(new Error("cut off"));
    };
    await host.apply("gw.port.external");
    expect(existsSync(path.join(host.root, "etc/clawhold/nft/clawhold_guard.nft"))).toBe(false);
    expect(existsSync(path.join(host.root, "etc/systemd/system/clawhold-guard.service"))).toBe(false);
    expect(await host.states()).toEqual(["undone apply_failed"]);
    expect(host.said.join(" ")).toContain("is not root's alone");
  });

  it("are taken from nothing that a link leads to", async () => {
    host.write("/etc/ld.so.preload", "");
    const { plan } = await host.plan("gw.state.perms");
    expect(plan.steps.length).toBeGreaterThan(0);
    const etc = modeOf("/etc/ld.so.preload");
    host.afterStep = (step) => {
      if (step === "arm") leadElsewhere("/etc");
      return Promise.resolve();
    };
    await host.apply("gw.state.perms");
    expect(modeOf("/etc/ld.so.preload")).toBe(etc);
  });
});

it("a file that its user made larger than any of its kind is not read into root's memory", () => {
  const keys = "/home/owner/.ssh/authorized_keys";
  expect(host.disk.text(keys)).toContain("ssh-ed25519");
  truncateSync(path.join(host.root, keys), 2 ** 30);
  expect(host.disk.text(keys)).toBeUndefined();
});

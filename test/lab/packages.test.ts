/**
 * Fixes that need a package which the server does not have: really installed, from a mirror inside of the server; and the package
 * manager that is busy, has nowhere to put it, or cannot find it.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import type { CheckId } from "../../protocol/posture.ts";
import { Machine } from "./machine.ts";
import { Mender, type Tree } from "./mender.ts";
import { giveMirror } from "./mirror.ts";
import { Network } from "./network.ts";
import { findingOf, Scanner } from "./scan.ts";

const MIRRORED = ["fail2ban", "python3-systemd", "unattended-upgrades"];
/** Held as dpkg itself holds it, until somebody removes a file. */
const HOLD = `
import fcntl, os, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
open("/run/lab-held", "w").close()
while os.path.exists("/run/lab-held"): time.sleep(0.1)`;

const closers: Closers = [];
let network: Network;
let machine: Machine;
let mender: Mender;

const fixing = (check: CheckId) => ({ kind: "check", check, options: {} }) as const;
const unpacked = async (on: Machine): Promise<string> =>
  (await on.run(["/usr/bin/dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n", ...MIRRORED])).stdout;
const purge = (on: Machine, ...names: readonly string[]): Promise<string> =>
  on.must(["/usr/bin/apt-get", "purge", "-y", "-q", ...names]);

beforeAll(async () => {
  network = new Network();
  closers.push(() => network.close());
  machine = await Machine.started({ network });
  closers.push(() => machine.remove());
  mender = await Mender.on(machine);
  await giveMirror(machine, MIRRORED);
  await purge(machine, ...MIRRORED);
});

afterAll(() => closeAll(closers));

/** What must not move when a fix is refused. */
const kept = (on: Mender): Promise<Tree> => on.tree("/etc");

describe("a package that is not there", () => {
  it.each([
    ["ban.sshd.live", "fail2ban"],
    ["patch.auto", "unattended-upgrades"],
  ] as const)("%s: the fix installs it, the check passes, and what the fix wrote goes again", async (check, name) => {
    const scanner = await Scanner.on(machine);
    expect(findingOf(await scanner.scan("slow"), check).state).toBe("fail");
    const { plan } = await mender.plan(fixing(check));
    const install = plan.steps.find((step) => step.kind === "command" && step.argv.at(-1) === name);
    expect(install).toMatchObject({ why: expect.stringContaining("taking the fix back does not remove it") });

    const answer = await mender.apply(fixing(check));
    if (answer.kind !== "fix") throw new Error(JSON.stringify(answer));
    expect(answer.fix, mender.said).toMatchObject({ state: "applied", drifted: [] });
    // apt's own lists are as new as its mirror, which has no security archive; what the fix is about must be right.
    if (check === "ban.sshd.live")
      expect(findingOf(await scanner.scan("slow"), check)).toMatchObject({ state: "pass" });
    else expect(findingOf(await scanner.scan("slow"), check).shortfalls.join(" ")).not.toMatch(/not installed| is 0/);
    expect((await mender.plan(fixing(check))).plan.steps).toEqual([]);

    expect(await mender.rollback(answer.fix.fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
    const ours = (await machine.must(["/usr/bin/find", "/etc", "-name", "*clawhold*"])).trim();
    expect(ours).toBe("");
    expect(await unpacked(machine)).toContain(`${name} ii`);
    await purge(machine, name);
  });
});

describe("a package manager that cannot", () => {
  it("is busy for a moment: it is waited for", async () => {
    const held = machine.run(["/usr/bin/python3", "-c", HOLD]);
    await expect.poll(async () => (await machine.run(["/usr/bin/ls", "/run/lab-held"])).code).toBe(0);
    const answering = mender.apply(fixing("patch.auto"));
    const waits = async () => (await machine.run(["/usr/bin/pgrep", "-f", "apt-get install"])).stdout.trim();
    await expect.poll(waits).not.toBe("");
    await machine.delete("/run/lab-held");
    const answer = await answering;
    await held;
    if (answer.kind !== "fix") throw new Error(JSON.stringify(answer));
    expect(answer.fix).toMatchObject({ state: "applied" });
    await mender.rollback(answer.fix.fix);
    await purge(machine, "unattended-upgrades");
  });

  it("is busy for longer: the fix is refused in words, and nothing was changed", async () => {
    const before = await kept(mender);
    const held = machine.run(["/usr/bin/python3", "-c", HOLD], { timeoutSeconds: 280 });
    await expect.poll(async () => (await machine.run(["/usr/bin/ls", "/run/lab-held"])).code).toBe(0);
    const answer = await mender.apply(fixing("patch.auto"));
    await machine.delete("/run/lab-held");
    await held;
    expect(answer).toMatchObject({
      kind: "refused",
      code: "packages_failed",
      sentence: expect.stringMatching(/lock/i),
    });
    expect(await kept(mender)).toEqual(before);
    expect(await mender.statesOnDisk()).not.toContain("armed");
  });

  it("finds no such package: the fix is refused in words, and nothing was changed", async () => {
    const before = await kept(mender);
    await machine.must(["/usr/bin/mv", "/opt/lab-mirror/Packages", "/opt/lab-mirror/away"]);
    await machine.write("/opt/lab-mirror/Packages", "");
    const answer = await mender.apply(fixing("ban.sshd.live"));
    await machine.must(["/usr/bin/mv", "/opt/lab-mirror/away", "/opt/lab-mirror/Packages"]);
    expect(answer).toMatchObject({ kind: "refused", code: "packages_failed" });
    expect(await kept(mender)).toEqual(before);
  });

  it("has a disk that is full in the middle: nothing is half there, and it goes once there is room", async () => {
    const small = await Machine.started({ network, server: "next", diskMegabytes: 128 });
    closers.push(() => small.remove());
    const other = await Mender.on(small);
    await giveMirror(small, MIRRORED);
    await purge(small, ...MIRRORED);
    await small.must(["/usr/bin/apt-get", "update", "-q"]);
    const before = await kept(other);
    const { plan, subject } = await other.plan(fixing("ban.sshd.live"));
    expect(plan.blocked).toBeUndefined();
    // Less than the package unpacks to, and enough for the package manager to begin.
    await small.run(["/usr/bin/dd", "if=/dev/zero", "of=/fill", "bs=64k"]);
    await small.must(["/usr/bin/truncate", "-s", "-1M", "/fill"]);
    const order = { verb: "apply", wanted: fixing("ban.sshd.live"), subject, author: "owner" } as const;
    const answer = await other.order(order);
    expect(answer).toMatchObject({ kind: "refused", code: expect.stringMatching(/packages_failed|disk_full/) });
    expect(await other.statesOnDisk()).not.toContain("armed");
    await small.delete("/fill");
    await small.must(["/usr/bin/dpkg", "--configure", "-a"]);
    expect(await small.must(["/usr/bin/dpkg", "--audit"])).toBe("");
    // Each is there or not: nothing is unpacked without being configured.
    expect(await unpacked(small)).not.toMatch(/ .[^in]/);
    expect(await kept(other)).toEqual(before);
    expect(await other.apply(fixing("ban.sshd.live"))).toMatchObject({ kind: "fix", fix: { state: "applied" } });
  });
});

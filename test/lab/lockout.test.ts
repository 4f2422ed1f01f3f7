/**
 * Whatever could shut the owner out, cut short at each of its steps: the program killed, the cable pulled, the power cut. Every time
 * he signs in from his own address within 90 seconds, and the machine is as it was or as it was to become.
 *
 * Here the combined fix and some of the others; with CLAWHOLD_LAB_ALL=1 each of them, at each step, in each way.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import type { Wanted } from "../../agent/host/posture/door.ts";
import { transactionSteps, type TransactionStep } from "../../agent/host/remedies/transacting.ts";
import { checkIds, checks, type CheckId } from "../../protocol/posture.ts";
import type { Fix } from "../../protocol/posture/plan.ts";
import { defaultRelease, Machine } from "./machine.ts";
import { Mender, type Tree } from "./mender.ts";
import { ADDRESS, Network } from "./network.ts";
import { Outside } from "./outside.ts";
import { OWNER } from "./root-file-system.ts";

const PATIENCE_SECONDS = 90;
const PORT = 24_022;

const faults = ["kill", "cable", "power"] as const;
type Fault = (typeof faults)[number];

interface Scenario {
  readonly name: string;
  readonly wanted: Wanted;
  readonly step: TransactionStep;
  readonly fault: Fault;
}

const everything: Wanted = {
  kind: "profile",
  profile: {
    profile: "standard",
    movePort: true,
    options: { sshPort: PORT, admins: ["203.0.113.67"], sshFrom: "admins" },
  },
};
const one = (check: CheckId): Wanted => ({
  kind: "check",
  check,
  options: check.includes("port") ? { sshPort: PORT } : {},
});
/** Its plan is empty until rules have drifted; what it does is part of the others. */
const lockouts = checkIds.filter((check) => checks[check].fix === "lockout" && check !== "fw.drift");

const isAll = process.env["CLAWHOLD_LAB_ALL"] === "1";
const all = [["everything", everything] as const, ...lockouts.map((check) => [check, one(check)] as const)];
const scenarios: readonly Scenario[] = isAll
  ? all.flatMap(([name, wanted]) =>
      transactionSteps.flatMap((step) => faults.map((fault) => ({ name, wanted, step, fault }))),
    )
  : [
      ...(["arm", "apply", "disarm"] as const).map((step): Scenario => ({
        name: "everything",
        wanted: everything,
        step,
        fault: "power",
      })),
      { name: "fw.default-deny", wanted: one("fw.default-deny"), step: "apply", fault: "kill" },
      { name: "ssh.password-auth", wanted: one("ssh.password-auth"), step: "apply", fault: "cable" },
    ];

const closers: Closers = [];
let network: Network;
let machine: Machine;
let mender: Mender;
let admin: Outside;
let before: Tree;
/** Seconds from a fault, restart included, to the owner's first sign-in. */
const waits: number[] = [];

beforeAll(async () => {
  network = new Network();
  closers.push(() => network.close());
  machine = await Machine.make({ network });
  closers.push(() => machine.remove());
  await machine.boot();
  mender = await Mender.on(machine, { stepping: true });
  admin = new Outside(network, "admin");
  // As some providers hand them over: else one of the fixes would have nothing to do.
  await machine.write("/etc/ssh/sshd_config.d/50-provider.conf", "KbdInteractiveAuthentication yes\n");
  await machine.must(["/usr/bin/systemctl", "reload", "ssh.service"]);
  before = await mender.tree("/etc");
});

afterAll(async () => {
  const slowest = Math.max(0, ...waits).toFixed(1);
  console.log(
    `Debian ${defaultRelease()}: ${String(waits.length)} faults, the slowest sign-in ${slowest} s after one.`,
  );
  await closeAll(closers);
});

it.each(scenarios)(
  "$name, $fault after $step",
  async ({ wanted, step, fault }) => {
    const pid = await mender.stopAt(step, wanted);
    const since = await inflict[fault](pid);
    expect(await ownerSignsIn()).toBe(true);
    waits.push((performance.now() - since) / 1_000);
    expect(waits.at(-1)).toBeLessThan(PATIENCE_SECONDS);
    if (fault === "cable" || step === "disarm") await followsThePlan();
    const end = await ended();
    expect(await ownerSignsIn()).toBe(true);
    if (end !== undefined && end.state !== "undone") {
      expect(end.state).toBe("applied");
      expect(await mender.rollback(end.fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
    }
    expect(await mender.tree("/etc")).toEqual(before);
    expect(await ownerSignsIn()).toBe(true);
  },
  360_000,
);

it("a disk that fills up in the middle keeps nothing, and the old state comes back", async () => {
  const plugged = await Machine.make({ network, server: "next", diskMegabytes: 96 });
  closers.push(() => plugged.remove());
  await plugged.boot();
  const small = await Mender.on(plugged, { stepping: true });
  const fresh = await small.tree("/etc");
  await small.stopAt("arm", everything);
  expect((await plugged.run(["/usr/bin/dd", "if=/dev/zero", "of=/fill", "bs=64k"])).stderr).toContain("No space left");
  await small.goOn();
  const states = async () => Object.values(await small.statesOnDisk());
  await expect.poll(states, { timeout: 60_000, interval: 500 }).toEqual(["undone"]);
  expect(await small.tree("/etc")).toEqual(fresh);
  const target = { user: OWNER, address: ADDRESS.next };
  expect(await admin.sshLogin(target, plugged.ownerKey)).toMatchObject({ code: 0 });
  await plugged.delete("/fill");
  expect(await small.fixes()).toMatchObject([{ state: "undone", reason: "disk_full" }]);
});

/** Each resolves to the moment from which the owner tries to get in. */
const inflict: Readonly<Record<Fault, (pid: string) => Promise<number>>> = {
  async kill(pid) {
    const since = performance.now();
    await machine.must(["/usr/bin/kill", "-KILL", pid]);
    return since;
  },
  /** It goes on alone; the owner cannot see it. */
  async cable() {
    network.cable("host", "down");
    await mender.goOn();
    await expect
      .poll(async () => (await machine.run(["/usr/bin/systemctl", "is-active", "-q", "lab-fix.service"])).code)
      .not.toBe(0);
    network.cable("host", "up");
    return performance.now();
  },
  async power() {
    const since = performance.now();
    await machine.kill();
    await machine.boot();
    return since;
  },
};

/** From his own address, by his key, over the old way or the new one. */
async function ownerSignsIn(): Promise<boolean> {
  const end = performance.now() + PATIENCE_SECONDS * 1_000;
  while (performance.now() < end) {
    for (const port of [22, PORT]) {
      const { code } = await admin.sshLogin({ user: OWNER, port }, machine.ownerKey);
      if (code === 0) return true;
    }
  }
  return false;
}

/** What went on alone may wait for a sign-in over the way that it opened; the old one is open beside it. */
async function followsThePlan(): Promise<void> {
  if (Object.values(await mender.statesOnDisk()).includes("armed"))
    expect(await admin.sshLogin({ user: OWNER, port: PORT }, machine.ownerKey)).toMatchObject({ code: 0 });
}

/** The newest fix, once it is no longer open; undefined: nothing was begun. */
async function ended(): Promise<Fix | undefined> {
  // Nobody asks for it: the timer alone, or the start of the machine, must have seen to it.
  const states = async () => Object.values(await mender.statesOnDisk());
  await expect.poll(states, { timeout: 120_000, interval: 1_000 }).not.toContain("armed");
  return (await mender.fixes())[0];
}

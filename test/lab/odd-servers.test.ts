/**
 * Servers as they are really found: sshd that systemd starts at the first visitor, sshd that somebody and cloud-init have set up already,
 * and a file system that can only be read. A fix works, or says why not and leaves everything as it was.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import type { Wanted } from "../../agent/host/posture/door.ts";
import { Machine } from "./machine.ts";
import { Mender } from "./mender.ts";
import { Network } from "./network.ts";
import { Outside } from "./outside.ts";
import { OWNER, OWNER_PASSWORD } from "./root-file-system.ts";

const SYSTEMCTL = "/usr/bin/systemctl";
const CONFIG = "/etc/ssh/sshd_config";
const DROP_INS = "/etc/ssh/sshd_config.d";
const PORT = 24_022;
/** What somebody chose before us. */
const OWN_PORT = 2_200;

const closers: Closers = [];
let network: Network;
let machine: Machine;
let mender: Mender;
let admin: Outside;
let attacker: Outside;

beforeAll(async () => {
  network = new Network();
  closers.push(() => network.close());
  machine = await Machine.started({ network });
  closers.push(() => machine.remove());
  // It would shut out the address from which this test tries what must fail.
  await machine.must([SYSTEMCTL, "disable", "--quiet", "--now", "fail2ban.service"]);
  mender = await Mender.on(machine);
  admin = new Outside(network, "admin");
  attacker = new Outside(network, "attacker");
});

afterAll(() => closeAll(closers));

async function applied(wanted: Wanted): Promise<string> {
  const answer = await mender.apply(wanted);
  if (answer.kind !== "fix") throw new Error(JSON.stringify(answer));
  return answer.fix.fix;
}

const signsIn = async (port: number): Promise<number> =>
  (await admin.sshLogin({ user: OWNER, port }, machine.ownerKey)).code;
const stateOf = async (fix: string): Promise<string | undefined> => (await mender.statesOnDisk())[fix];

describe("sshd that is set up already", () => {
  let asDelivered: string;
  beforeAll(async () => {
    asDelivered = await machine.read(CONFIG);
    await machine.write(`${DROP_INS}/50-cloud-init.conf`, "PasswordAuthentication yes\n");
    await machine.write(
      CONFIG,
      `${asDelivered}\nPort ${String(OWN_PORT)}\nMatch Group sudo\n  PasswordAuthentication yes\n`,
    );
    await machine.must([SYSTEMCTL, "restart", "ssh.service"]);
  });
  afterAll(async () => {
    await machine.write(CONFIG, asDelivered);
    await machine.must([SYSTEMCTL, "reload", "ssh.service"]);
  });

  const passwords: Wanted = { kind: "check", check: "ssh.password-auth", options: {} };
  const target = { user: OWNER, port: OWN_PORT };

  it("by cloud-init, by a Match and on a port of its own: no password is taken, nobody's file is written, and all comes back", async () => {
    expect(await attacker.sshPassword(target, OWNER_PASSWORD)).toMatchObject({ code: 0 });
    const before = await mender.tree("/etc");
    const { plan } = await mender.plan(passwords);
    expect(plan.notes.join(" ")).toMatch(
      /Line \d+ of \/etc\/ssh\/sshd_config \("Match Group sudo"\) no longer changes/,
    );
    const fix = await applied(passwords);
    expect(await stateOf(fix), mender.said).toBe("applied");
    expect(await attacker.sshMethods(target)).toEqual(["publickey"]);
    expect(await attacker.sshPassword(target, OWNER_PASSWORD)).toMatchObject({ code: 255 });
    expect(await mender.tree("/etc")).toMatchObject(before);
    await mender.rollback(fix);
    expect(await mender.tree("/etc")).toEqual(before);
    expect(await attacker.sshPassword(target, OWNER_PASSWORD)).toMatchObject({ code: 0 });
  });

  const text = "PasswordAuthentication yes\n";
  it.each([
    { what: "a line that is read before ours", file: `${DROP_INS}/00-before.conf`, code: "sshd_earlier_line" },
    { what: "a main file that reads no other", file: CONFIG, code: "sshd_no_include" },
  ])("with $what: the plan says which line a person has to move, and nothing is changed", async ({ file, code }) => {
    const kept = (await machine.run(["/usr/bin/cat", file])).stdout;
    await machine.write(file, text);
    const before = await mender.tree("/etc");
    const { plan, subject } = await mender.plan(passwords);
    expect(plan).toMatchObject({ blocked: code, steps: [] });
    expect(plan.notes.join(" ")).toContain("/etc/ssh/sshd_config");
    const order = { verb: "apply", wanted: passwords, subject, author: "owner" } as const;
    expect(await mender.order(order)).toMatchObject({ kind: "refused", code });
    expect(await mender.tree("/etc")).toEqual(before);
    if (kept === "") await machine.delete(file);
    else await machine.write(file, kept);
  });
});

describe("a file system that can only be read", () => {
  it.each(["/etc", "/var"])(
    "%s: the fix is refused in words, nothing is armed, and it goes once it can be written",
    async (place) => {
      const wanted: Wanted = { kind: "check", check: "ssh.forwarding", options: {} };
      const before = await mender.tree("/etc");
      const { subject } = await mender.plan(wanted);
      await machine.must(["/usr/bin/mount", "--bind", place, place]);
      await machine.must(["/usr/bin/mount", "-o", "remount,bind,ro", place]);
      const answer = await mender.order({ verb: "apply", wanted, subject, author: "owner" });
      expect(answer).toMatchObject({ kind: "refused", sentence: expect.stringContaining("can only be read") });
      await machine.must(["/usr/bin/umount", place]);
      expect(Object.values(await mender.statesOnDisk())).not.toContain("armed");
      expect(await machine.must([SYSTEMCTL, "list-timers", "--all", "--no-legend", "clawhold-deadman*"])).toBe("");
      expect(await mender.tree("/etc")).toEqual(before);
      const fix = await applied(wanted);
      expect(await stateOf(fix), mender.said).toBe("applied");
      await mender.rollback(fix);
      expect(await mender.tree("/etc")).toEqual(before);
    },
  );
});

// Last: the sshd of a socket does not go when its unit does, and would hold the port of the next one.
describe("sshd that a socket of systemd starts", () => {
  beforeAll(async () => {
    await machine.must([SYSTEMCTL, "disable", "--quiet", "--now", "ssh.service"]);
    await machine.must([SYSTEMCTL, "enable", "--quiet", "--now", "ssh.socket"]);
  });

  it("moves to another port with its socket, stays there over a restart, and comes back to the byte", async () => {
    expect(await signsIn(22)).toBe(0);
    const before = await mender.tree("/etc");
    const fix = await applied({ kind: "check", check: "ssh.port.nonstandard", options: { sshPort: PORT } });
    // Both ways are open until somebody came in by the new one.
    expect(await stateOf(fix)).toBe("armed");
    expect(await attacker.ports([22, PORT])).toEqual({ 22: "open", [PORT]: "open" });
    expect(await signsIn(PORT)).toBe(0);
    await expect.poll(() => stateOf(fix), { timeout: 90_000, interval: 500 }).toBe("applied");
    for (const start of [undefined, () => machine.reboot()]) {
      await start?.();
      expect(await attacker.ports([22, PORT])).toEqual({ 22: "closed", [PORT]: "open" });
      expect(await signsIn(PORT)).toBe(0);
    }
    expect(await mender.rollback(fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
    expect(await attacker.ports([22, PORT])).toEqual({ 22: "open", [PORT]: "closed" });
    expect(await mender.tree("/etc")).toEqual(before);
    expect(await signsIn(22)).toBe(0);
  });
});

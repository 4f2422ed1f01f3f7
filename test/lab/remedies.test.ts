/**
 * Every fix on a real Debian: planned, applied, proven; planned again, which must be empty; taken back, after which /etc is the same
 * byte for byte, with modes and owners, and the kernel's rules and values are what they were.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { remedies } from "../../agent/host/remedies/table.ts";
import { checkIds, type CheckId } from "../../protocol/posture.ts";
import type { FixOptions } from "../../protocol/posture/options.ts";
import { Machine } from "./machine.ts";
import { Mender, type Tree } from "./mender.ts";
import { Network } from "./network.ts";
import { Outside } from "./outside.ts";
import { OWNER } from "./root-file-system.ts";

const GATEWAY_PORT = 18_789;
const PORT = 24_022;

/** A stand-in: a program that listens where a gateway does, as a service and a user of its own. */
const GATEWAY = `[Unit]
Description=Stand-in for a gateway
[Service]
User=openclaw
ExecStart=/usr/local/bin/node -e "require('http').createServer((q, s) => s.end('ok')).listen(${String(GATEWAY_PORT)}, '0.0.0.0')"
`;

interface Row {
  readonly check: CheckId;
  readonly options?: FixOptions;
  /** Makes the machine need it. */
  readonly prepare?: () => Promise<void>;
  /** Seen from outside, or from the kernel, while it stands. */
  readonly stands?: () => Promise<void>;
}

const closers: Closers = [];
let network: Network;
let machine: Machine;
let mender: Mender;
let admin: Outside;
let attacker: Outside;

const sh = (...argv: readonly string[]): Promise<string> => machine.must(argv);
const sysctl = async (key: string): Promise<string> => (await sh("/usr/sbin/sysctl", "-n", key)).trim();

const rows: readonly Row[] = [
  {
    check: "ssh.password-auth",
    async stands() {
      expect(await attacker.sshMethods({ user: OWNER })).toEqual(["publickey"]);
    },
  },
  {
    check: "ssh.kbdint",
    async prepare() {
      await machine.write("/etc/ssh/sshd_config.d/50-provider.conf", "KbdInteractiveAuthentication yes\n");
      await sh("/usr/bin/systemctl", "reload", "ssh");
    },
    async stands() {
      expect(await attacker.sshMethods({ user: OWNER })).not.toContain("keyboard-interactive");
    },
  },
  {
    check: "ssh.root-login",
    async stands() {
      expect(await admin.sshLogin({ user: "root" }, machine.ownerKey)).toMatchObject({ code: 255 });
    },
  },
  {
    check: "ssh.port.nonstandard",
    options: { sshPort: PORT },
    async stands() {
      expect(await attacker.ports([22, PORT])).toEqual({ 22: "closed", [PORT]: "open" });
    },
  },
  { check: "ssh.auth.limits" },
  { check: "ssh.crypto" },
  { check: "ssh.forwarding" },
  {
    check: "ssh.allowlist",
    options: { sshUsers: [OWNER] },
    async stands() {
      expect(await admin.sshLogin({ user: "root" }, machine.ownerKey)).toMatchObject({ code: 255 });
    },
  },
  {
    check: "ssh.hostkeys",
    async prepare() {
      await sh("/usr/bin/chmod", "0640", "/etc/ssh/ssh_host_rsa_key");
    },
  },
  {
    check: "fw.default-deny",
    options: { admins: ["203.0.113.67"], sshFrom: "admins" },
    async stands() {
      expect(await attacker.ports([22, 9])).toEqual({ 22: "filtered", 9: "filtered" });
      expect(await admin.port(22)).toBe("open");
      // Two cables at most may reach it by IPv6 too, and nobody is listed there.
      expect(await attacker.port(22, "2001:db8::10")).toBe("filtered");
    },
  },
  {
    check: "gw.port.external",
    async stands() {
      expect(await attacker.port(GATEWAY_PORT)).toBe("filtered");
      expect(await sh("/usr/bin/curl", "-s", `http://127.0.0.1:${String(GATEWAY_PORT)}/`)).toBe("ok");
    },
  },
  {
    check: "fw.metadata.blocked",
    async stands() {
      const ask = ["/usr/bin/curl", "-s", "-m", "3", "http://169.254.169.254/"];
      expect((await machine.run(ask, { user: "openclaw" })).code).toBe(7);
      expect(await sh("/usr/bin/ping", "-c1", "-W2", "169.254.169.254")).toContain("1 received");
    },
  },
  {
    check: "fw.egress.gateway",
    async stands() {
      const reach = (port: number) =>
        machine.run(["/usr/bin/nc", "-z", "-w2", "198.51.100.80", String(port)], { user: "openclaw" });
      // Nobody listens there: what is let through is refused by the far end, at once; what is not never leaves.
      expect(
        (await machine.run(["/usr/bin/nc", "-vz", "-w2", "198.51.100.80", "8080"], { user: "openclaw" })).stderr,
      ).toMatch(/No route|prohibited|Host is unreachable/);
      expect((await reach(443)).code).toBe(1);
    },
  },
  {
    check: "net.segmentation",
    options: {
      zones: [
        { interface: "eth0", role: "management" },
        { interface: "lab1", role: "internal" },
      ],
    },
    async prepare() {
      await sh("/usr/sbin/ip", "link", "add", "lab1", "type", "bridge");
      await sh("/usr/sbin/ip", "address", "add", "10.99.0.1/24", "dev", "lab1");
      await sh("/usr/sbin/ip", "link", "set", "lab1", "up");
    },
  },
  {
    check: "net.sysctl",
    async stands() {
      expect(await sysctl("net.ipv4.conf.eth0.accept_redirects")).toBe("0");
      expect(await sysctl("net.ipv4.conf.all.log_martians")).toBe("1");
    },
  },
  {
    check: "ban.sshd.live",
    async stands() {
      expect(await sh("/usr/bin/fail2ban-client", "get", "sshd", "ignoreip")).toContain("203.0.113.10");
    },
  },
  { check: "ban.escalation" },
  { check: "ban.whitelist", options: { admins: ["203.0.113.67"] } },
  {
    check: "ban.http",
    async prepare() {
      await machine.write("/var/log/nginx/access.log", "");
    },
  },
  {
    check: "usr.no-sudo",
    async prepare() {
      await sh("/usr/sbin/usermod", "-aG", "sudo,disk", "openclaw");
    },
    async stands() {
      expect(await sh("/usr/bin/id", "-Gn", "openclaw")).toBe("openclaw\n");
    },
  },
  {
    check: "usr.empty-pw",
    async prepare() {
      await sh("/usr/bin/passwd", "-d", "openclaw");
    },
  },
  {
    check: "gw.state.perms",
    async prepare() {
      await machine.write("/home/openclaw/.openclaw/openclaw.json", "{}", "0644");
      await sh("/usr/bin/chmod", "0755", "/home/openclaw/.openclaw");
      await sh("/usr/bin/chown", "-R", "openclaw:openclaw", "/home/openclaw");
    },
    async stands() {
      expect(await sh("/usr/bin/stat", "-c", "%a", "/home/openclaw/.openclaw/openclaw.json")).toBe("600\n");
    },
  },
  {
    check: "usr.setuid-reach",
    async stands() {
      expect(await sh("/usr/bin/systemctl", "show", "-P", "NoNewPrivileges", "lab-gateway.service")).toBe("yes\n");
    },
  },
  { check: "unit.score" },
  { check: "unit.probes" },
  { check: "unit.resources" },
  {
    check: "fw.boot-persistent",
    async prepare() {
      await sh("/usr/sbin/ufw", "allow", "22/tcp");
      await sh("/usr/sbin/ufw", "--force", "enable");
      await sh("/usr/bin/systemctl", "disable", "ufw.service");
    },
  },
  { check: "log.auditable" },
  { check: "log.retention" },
  {
    check: "patch.auto",
    async stands() {
      expect(await sh("/usr/bin/apt-config", "dump", "APT::Periodic::Unattended-Upgrade")).toContain('"1"');
    },
  },
];

beforeAll(async () => {
  network = new Network();
  closers.push(() => network.close());
  machine = await Machine.make({ network });
  closers.push(() => machine.remove());
  await machine.boot();
  await sh("/usr/sbin/useradd", "--create-home", "--shell", "/usr/sbin/nologin", "openclaw");
  await sh("/usr/bin/chmod", "0755", "/home/openclaw");
  await machine.write("/etc/systemd/system/lab-gateway.service", GATEWAY);
  await sh("/usr/bin/systemctl", "daemon-reload");
  await sh("/usr/bin/systemctl", "start", "lab-gateway.service");
  // It would shut out the addresses from which this test tries what must fail.
  await sh("/usr/bin/systemctl", "stop", "fail2ban.service");
  mender = await Mender.on(machine);
  admin = new Outside(network, "admin");
  attacker = new Outside(network, "attacker");
});

afterAll(() => closeAll(closers));

const EMPTY_TABLE =
  /table ip filter \{\n\tchain INPUT \{\n\t\ttype filter hook input priority filter; policy accept;\n\t\}\n\}\n/;

/** What a fix may have changed anywhere: files, the packet filter, the kernel's values. Counters move by themselves. */
async function everything(): Promise<{ readonly tree: Tree; readonly rules: string; readonly values: string }> {
  const rules = await sh("/usr/sbin/nft", "-s", "list", "ruleset");
  return {
    tree: await mender.tree("/etc", "/home/openclaw"),
    // A ban service that starts may ban somebody from its log of before, and leaves an empty table of iptables' behind.
    rules: rules.replace(EMPTY_TABLE, ""),
    values: await sh("/usr/sbin/sysctl", "-a", "--pattern", "^net\\.ipv[46]\\.conf"),
  };
}

describe("a fix", () => {
  it.each(rows)(
    "of $check is proven, idempotent and taken back to the byte",
    async ({ check, options = {}, ...row }) => {
      await row.prepare?.();
      const before = await everything();
      const wanted = { kind: "check", check, options } as const;

      const { plan, subject } = await mender.plan(wanted);
      expect(plan).toMatchObject({ checks: [check] });
      expect(plan.blocked, plan.notes.join(" ")).toBeUndefined();
      expect(plan.steps).not.toEqual([]);
      const answer = await mender.order({ verb: "apply", wanted, subject, author: OWNER });
      if (answer.kind !== "fix") throw new Error(JSON.stringify(answer));
      let { fix } = answer;
      if (fix.state === "armed") fix = await provenBySignIn(fix.fix, options.sshPort === PORT ? PORT : 22);
      expect(fix, mender.said).toMatchObject({ state: "applied", drifted: [] });
      await row.stands?.();
      expect((await mender.plan(wanted)).plan.steps).toEqual([]);

      expect(await mender.rollback(fix.fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
      expect(await everything()).toEqual(before);
      expect(await admin.sshLogin({ user: OWNER }, machine.ownerKey)).toMatchObject({ code: 0 });
    },
  );

  it("of a machine without ufw is a table of our own, which survives a restart and goes as one", async () => {
    await sh("/usr/sbin/ufw", "--force", "disable");
    await sh("/usr/bin/mv", "/usr/sbin/ufw", "/root/ufw");
    const before = await everything();
    const options: FixOptions = { openings: [{ port: 80, protocol: "tcp", reason: "web" }] };
    const answer = await mender.apply({ kind: "check", check: "fw.default-deny", options });
    if (answer.kind !== "fix") throw new Error(JSON.stringify(answer));
    expect(answer.fix).toMatchObject({ state: "applied" });
    const outside = { 22: "open", 80: "closed", 9999: "filtered" };
    expect(await attacker.ports([22, 80, 9_999])).toEqual(outside);
    await machine.reboot();
    expect(await attacker.ports([22, 80, 9_999])).toEqual(outside);
    expect(await mender.rollback(answer.fix.fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
    expect((await everything()).tree).toEqual(before.tree);
    expect(await attacker.port(9_999)).toBe("closed");
    await sh("/usr/bin/mv", "/root/ufw", "/usr/sbin/ufw");
  });

  it("exists for every check that says so, or names the operation that mends it", async () => {
    const tested = new Set(rows.map(({ check }) => check));
    for (const check of checkIds.filter((id) => remedies[id] !== undefined && !tested.has(id))) {
      const { plan } = await mender.plan({ kind: "check", check, options: {} });
      // It has a user of its own here; its move has a test of its own.
      if (check === "usr.dedicated") expect(plan).toMatchObject({ steps: [] });
      // Nothing drifted, so there is nothing to load again.
      else if (check === "fw.drift") expect(plan.blocked).toBe("not_approved");
      else expect(plan.blocked).toBe("by_operation");
    }
  });
});

async function provenBySignIn(fix: string, port: number) {
  expect(await admin.sshLogin({ user: OWNER, port }, machine.ownerKey)).toMatchObject({ code: 0 });
  await expect.poll(async () => (await mender.statesOnDisk())[fix], { timeout: 60_000 }).not.toBe("armed");
  const found = (await mender.fixes()).find((one) => one.fix === fix);
  if (found === undefined) throw new TypeError(`${fix} is gone`);
  return found;
}

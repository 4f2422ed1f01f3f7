/**
 * A server in three networks, with somebody in each: what comes in and what is passed on before the networks have roles, while they
 * have, after a restart, and when it is taken back. SSH is shut in the others only after a sign-in over the management network.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import type { Wanted } from "../../agent/host/posture/door.ts";
import { inNamespace, ip } from "../net/machines.ts";
import { labName, removeNamespace } from "./leftovers.ts";
import { Machine } from "./machine.ts";
import { Mender } from "./mender.ts";
import { Network } from "./network.ts";
import { Outside } from "./outside.ts";
import { OWNER } from "./root-file-system.ts";
import { Scanner } from "./scan.ts";

const SYSCTL = "/usr/sbin/sysctl";
const PORTS = [22, 80, 5_432, 9_100] as const;

interface Side {
  /** The server's own end. */
  readonly card: string;
  readonly host: string;
  readonly peer: string;
  readonly host6: string;
  readonly peer6: string;
}
const SIDES = {
  inner: { card: "inner0", host: "10.20.0.1", peer: "10.20.0.2", host6: "fd20::1", peer6: "fd20::2" },
  desk: { card: "wg0", host: "10.9.0.1", peer: "10.9.0.2", host6: "fd09::1", peer6: "fd09::2" },
} as const satisfies Readonly<Record<string, Side>>;
type SideName = keyof typeof SIDES;
const sides = ["inner", "desk"] as const;

const wanted: Wanted = {
  kind: "check",
  check: "net.segmentation",
  options: {
    zones: [
      { interface: "eth0", role: "dmz" },
      { interface: "inner0", role: "internal" },
      { interface: "wg0", role: "management" },
    ],
    openings: [{ port: 5_432, protocol: "tcp", reason: "database", role: "internal" }],
  },
};

const closers: Closers = [];
let network: Network;
let machine: Machine;
let mender: Mender;
let attacker: Outside;
let inner: Outside;
let desk: Outside;

const at = (side: SideName): string => labName(side);
const sh = (...argv: readonly string[]): Promise<string> => machine.must(argv);

/** After each start: the server's namespace is a new one. It passes packets on, as one that runs containers does. */
function cable(): void {
  const host = network.namespace("host");
  for (const side of sides) {
    const { card, host: own, peer, host6, peer6 } = SIDES[side];
    removeNamespace(at(side));
    ip("netns", "add", at(side));
    ip("-n", host, "link", "add", card, "type", "veth", "peer", "name", "eth0", "netns", at(side));
    ip("-n", host, "address", "add", `${own}/24`, "dev", card);
    ip("-n", host, "address", "add", `${host6}/64`, "dev", card, "nodad");
    ip("-n", host, "link", "set", card, "up");
    ip("-n", at(side), "address", "add", `${peer}/24`, "dev", "eth0");
    ip("-n", at(side), "address", "add", `${peer6}/64`, "dev", "eth0", "nodad");
    ip("-n", at(side), "link", "set", "eth0", "up");
    ip("-n", at(side), "link", "set", "lo", "up");
    ip("-n", at(side), "route", "add", "default", "via", own);
    ip("-n", at(side), "-6", "route", "add", "default", "via", host6);
  }
  inNamespace(host, SYSCTL, "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
}

/** Something serves on every port that is asked for; systemd keeps it over a restart. */
const SERVER = `[Service]
ExecStart=/usr/local/bin/node -e "for (const port of [80, 5432, 9100]) require('net').createServer((s) => s.end()).listen(port, '::')"
[Install]
WantedBy=multi-user.target
`;

beforeAll(async () => {
  network = new Network();
  closers.push(() => network.close());
  machine = await Machine.make({ network });
  closers.push(() => machine.remove());
  await machine.boot();
  for (const side of sides) closers.push(() => removeNamespace(at(side)));
  cable();
  await machine.write("/etc/systemd/system/lab-server.service", SERVER);
  await sh("/usr/bin/systemctl", "enable", "--quiet", "--now", "lab-server.service");
  await sh("/usr/bin/systemctl", "stop", "fail2ban.service");
  mender = await Mender.on(machine);
  attacker = new Outside(network, "attacker");
  inner = new Outside({ namespace: () => at("inner") }, "admin");
  desk = new Outside({ namespace: () => at("desk") }, "admin");
});

afterAll(() => closeAll(closers));

const of = (state: (port: number) => string) => Object.fromEntries(PORTS.map((port) => [port, state(port)]));
const OPEN = of(() => "open");
const only = (...ports: readonly number[]) => of((port) => (ports.includes(port) ? "open" : "filtered"));

/** What somebody in each of the three networks reaches, by both families; and whether the server passes anything on. */
async function seen() {
  const [dmz, dmz6, internal, internal6, management] = await Promise.all([
    attacker.ports(PORTS),
    attacker.ports(PORTS, "2001:db8::10"),
    inner.ports(PORTS, SIDES.inner.host),
    inner.ports(PORTS, SIDES.inner.host6),
    desk.ports(PORTS, SIDES.desk.host),
  ]);
  // Another machine's refusal, or silence: nobody listens there.
  const passes = await inner.port(9, SIDES.desk.peer);
  const passes6 = await inner.port(9, SIDES.desk.peer6);
  return { dmz, dmz6, internal, internal6, management, passes, passes6 };
}

const STANDS = {
  dmz: only(80),
  dmz6: only(80),
  internal: only(5_432),
  internal6: only(5_432),
  management: OPEN,
  passes: "filtered",
  passes6: "filtered",
};
const BEFORE = {
  dmz: OPEN,
  dmz6: OPEN,
  internal: OPEN,
  internal6: OPEN,
  management: OPEN,
  passes: "closed",
  passes6: "closed",
};

it("lets each network have what its role needs, after a sign-in over the management network, and is taken back", async () => {
  await expect.poll(() => attacker.port(9_100)).toBe("open");
  const tree = await mender.tree("/etc");
  expect(await seen()).toEqual(BEFORE);

  const { plan, subject } = await mender.plan(wanted);
  expect(plan.blocked, plan.notes.join(" ")).toBeUndefined();
  expect(plan).toMatchObject({ risk: "lockout", deadManSeconds: 60 });
  expect(plan.notes.join(" ")).toContain("eth0 (dmz): tcp/80 comes in.");
  const answer = await mender.order({ verb: "apply", wanted, subject, author: OWNER });
  if (answer.kind !== "fix") throw new Error(JSON.stringify(answer));
  expect(answer.fix, mender.said).toMatchObject({ state: "armed" });
  const { fix } = answer.fix;

  // Nobody came in over the new way yet, and a sign-in over the old one proves nothing.
  const login = { user: OWNER, address: "203.0.113.10" };
  expect(await attacker.sshLogin(login, machine.ownerKey)).toMatchObject({ code: 0 });
  expect(await seen()).toEqual({
    ...STANDS,
    dmz: only(22, 80),
    dmz6: only(22, 80),
    internal: only(22, 5_432),
    internal6: only(22, 5_432),
  });
  expect(await mender.statesOnDisk()).toEqual({ [fix]: "armed" });

  const overDesk = { user: OWNER, address: SIDES.desk.host };
  expect(await desk.sshLogin(overDesk, machine.ownerKey)).toMatchObject({ code: 0 });
  await expect.poll(() => mender.statesOnDisk(), { timeout: 60_000 }).toEqual({ [fix]: "applied" });
  expect(await seen()).toEqual(STANDS);
  expect(await sh(SYSCTL, "-n", "net.ipv4.conf.inner0.arp_ignore")).toBe("1\n");
  expect((await mender.plan(wanted)).plan.steps).toEqual([]);

  const scanner = await Scanner.on(machine);
  expect(await scanner.finding("net.segmentation")).toMatchObject({ state: "pass" });
  // A rule that somebody puts before ours opens nothing; one that he takes out of ours does.
  const rules = await sh("/usr/sbin/nft", "-a", "list", "chain", "inet", "clawhold_zones", "input");
  const drop = /not of this network's role" # handle (\d+)/.exec(rules)?.[1] ?? "";
  await sh("/usr/sbin/nft", "delete", "rule", "inet", "clawhold_zones", "input", "handle", drop);
  const failing = await scanner.finding("net.segmentation");
  expect(failing.state).toBe("fail");
  expect(JSON.stringify(failing)).toMatch(/eth0 \(dmz\) lets in tcp/);

  await machine.reboot();
  cable();
  await expect.poll(async () => (await machine.run(["/usr/bin/nc", "-z", "127.0.0.1", "9100"])).code).toBe(0);
  expect(await seen()).toEqual(STANDS);

  expect(await mender.rollback(fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
  expect(await seen()).toEqual(BEFORE);
  expect(await mender.tree("/etc")).toEqual(tree);
});

it("without a management network that anybody could come in by is refused, and changes nothing", async () => {
  const zones = [
    { interface: "eth0", role: "dmz" as const },
    { interface: "wg7", role: "management" as const },
  ];
  const { plan } = await mender.plan({ kind: "check", check: "net.segmentation", options: { zones } });
  expect(plan).toMatchObject({ blocked: "no_interfaces", steps: [] });
});

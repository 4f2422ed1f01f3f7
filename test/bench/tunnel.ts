/**
 * What tunnels cost: memory and processor time of many idle ones, telling all of them something, all of them coming
 * back at once, and a round trip. Real edge and real TLS; the hosts are simulated (they joined and were not admitted, which
 * leaves out commands and the log, and nothing of the tunnel), all in this process, which takes its share of the machine.
 */
import { spawnSync } from "node:child_process";
import { connectionBudget } from "../../agent/edge/open-files.ts";
import { row, percentile, type Bench, type Row } from "./bench.ts";
import { startInstallation, type BenchInstallation } from "./installation.ts";
import { processesOf, processorMs, rssMb, type NamedProcess } from "./processes.ts";
import { bareTrips, objectTrips, runtimeTrips, wakingTrips } from "./tunnel/echo.ts";
import { enroll, type Member } from "./tunnel/fleet.ts";
import { SimulatedHost, type Edge, type Return } from "./tunnel/simulated-host.ts";

const SIZES = [1_000, 5_000] as const;
/** Handshakes under way while the fleet is built; a storm has no such bound. */
const DIALS_AT_ONCE = 32;
/** Longer than the runtime waits before it lets an idle object go (10 s), and than a keep-alive of every host. */
const SETTLE_MS = 14_000;
const IDLE_MS = 12_000;
const OPEN_FILES = 65_536;
/** The agent of this machine, and pages. */
const HOSTS_BESIDE = 100;
const ECHO_HOSTS = 40;
/** Nobody waits longer for a storm to be over. */
const STORM_MS = 60_000;
const KB_TARGET = 150;
const ECHO_TARGET = 3;

export const tunnel: Bench = {
  name: "tunnel",
  about: "idle tunnels, a word to all, a storm of returns, a round trip",
  async run() {
    const most = connectionBudget(raiseOpenFiles()) - HOSTS_BESIDE;
    const installation = await startInstallation({ gateway: "none" });
    try {
      // Where nobody may raise the limit, the second size is what it allows; the rows say which.
      return await measure(
        installation,
        SIZES.map((size) => Math.min(size, most)),
      );
    } finally {
      await installation.stop();
    }
  },
};

/** Children inherit it. Only root may raise the hard limit. */
function raiseOpenFiles(): number {
  const pid = String(process.pid);
  spawnSync("prlimit", ["--pid", pid, `--nofile=${String(OPEN_FILES)}:${String(OPEN_FILES)}`]);
  const said = spawnSync("prlimit", ["--pid", pid, "--nofile", "--noheadings", "--raw", "--output", "SOFT"]);
  return Number(said.stdout.toString().trim());
}

async function measure(installation: BenchInstallation, sizes: readonly number[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const edge = await edgeOf(installation);
  const members = await enroll(installation, sizes.at(-1) ?? 0);
  const hosts = members.map((member) => new SimulatedHost(member, edge));
  for (const host of hosts) host.hold(requireHead(installation));
  try {
    await pause(SETTLE_MS);
    const empty = edgeMb(installation);
    let open = 0;
    for (const size of sizes) {
      const before = performance.now();
      await dialAll(hosts.slice(open, size));
      const seconds = (performance.now() - before) / 1_000;
      rows.push(row({ name: `${String(size)} hosts: handshakes`, value: (size - open) / seconds, unit: "a second" }));
      open = size;
      rows.push(...(await idle(installation, { size, empty })));
    }
    rows.push(...(await echo(hosts.slice(0, ECHO_HOSTS))));
    rows.push(await broadcast(installation, hosts, members));
    rows.push(await storm(installation, hosts, "back-off"));
    rows.push(await storm(installation, hosts, "at-once"));
    return rows;
  } finally {
    for (const host of hosts) host.leave();
  }
}

async function edgeOf({ operator, dataDir, port }: BenchInstallation): Promise<Edge> {
  const { readFileSync } = await import("node:fs");
  const { edgeAuthority } = JSON.parse(readFileSync(`${dataDir}/keys/edge.json`, "utf8")) as {
    readonly edgeAuthority: { readonly certificate: string };
  };
  const workspace = operator.state?.workspace ?? "";
  return { endpoint: `wss://127.0.0.1:${String(port + 1)}`, ca: edgeAuthority.certificate, workspace };
}

function requireHead({ operator }: BenchInstallation): NonNullable<typeof operator.state>["head"] {
  if (operator.state === undefined) throw new TypeError("no workspace");
  return operator.state.head;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function welcomed(host: SimulatedHost): Promise<void> {
  return new Promise((resolve) => {
    host.onWelcome = resolve;
  });
}

async function dialAll(hosts: readonly SimulatedHost[]): Promise<void> {
  const waiting = [...hosts];
  const lane = async (): Promise<void> => {
    for (let host = waiting.pop(); host !== undefined; host = waiting.pop()) {
      const welcome = welcomed(host);
      host.returns = "at-once";
      host.dial();
      await welcome;
    }
  };
  await Promise.all(Array.from({ length: DIALS_AT_ONCE }, lane));
}

function partsOf(installation: BenchInstallation): readonly NamedProcess[] {
  return processesOf(installation).filter(({ name }) => name !== "agent");
}

function edgeMb(installation: BenchInstallation): number {
  return partsOf(installation).reduce((sum, { pid }) => sum + rssMb(pid), 0);
}

async function idle(
  installation: BenchInstallation,
  { size, empty }: { readonly size: number; readonly empty: number },
): Promise<readonly Row[]> {
  await pause(SETTLE_MS);
  const parts = partsOf(installation);
  const before = parts.map(({ pid }) => processorMs(pid));
  const started = performance.now();
  await pause(IDLE_MS);
  const seconds = (performance.now() - started) / 1_000;
  const rows = [
    row({
      name: `${String(size)} idle hosts: memory each`,
      value: ((edgeMb(installation) - empty) * 1_000) / size,
      unit: "kB",
      target: KB_TARGET,
    }),
  ];
  for (const [i, { name, pid }] of parts.entries()) {
    const used = (processorMs(pid) - (before[i] ?? 0)) / seconds / 10;
    rows.push(row({ name: `${String(size)} idle hosts: ${name}`, value: rssMb(pid), unit: "MB" }));
    rows.push(row({ name: `${String(size)} idle hosts: processor, ${name}`, value: used, unit: "% of one" }));
  }
  return rows;
}

async function echo(hosts: readonly SimulatedHost[]): Promise<readonly Row[]> {
  const waking = await wakingTrips(hosts);
  const object = await objectTrips(hosts);
  const runtime = await runtimeTrips(hosts);
  const bare = await bareTrips(object.length, "x".repeat(60));
  const against = (fraction: number) => ({
    name: `bare ws echo, p${String(fraction * 100)}`,
    value: percentile(bare, fraction),
  });
  return [0.5, 0.99].flatMap((fraction) => {
    const p = `p${String(fraction * 100)}`;
    const baseline = against(fraction);
    return [
      row({
        name: `keep-alive through the front, ${p}`,
        value: percentile(runtime, fraction),
        unit: "ms",
        baseline,
        target: ECHO_TARGET,
      }),
      row({
        name: `word to the object, ${p}`,
        value: percentile(object, fraction),
        unit: "ms",
        baseline,
        target: ECHO_TARGET,
      }),
      row({ name: `word that wakes it, ${p}`, value: percentile(waking, fraction), unit: "ms", baseline }),
    ];
  });
}

/** From the moment in which a statement is declared to the last host that has it. */
async function broadcast(
  { operator }: BenchInstallation,
  hosts: readonly SimulatedHost[],
  members: readonly Member[],
): Promise<Row> {
  const told = hosts.map(
    (host) =>
      new Promise<void>((resolve) => {
        host.onFrame = (frame) => {
          if (frame.kind === "trust" && frame.page.statements.length > 0) resolve();
        };
      }),
  );
  const [member] = members;
  if (member === undefined) throw new TypeError("no host");
  const { host, key, cosignKey } = member;
  const started = performance.now();
  const body = { host, hostKey: key.publicKey, cosignKey, label: "bench", colocated: false };
  await operator.declare({ kind: "host.admit", body });
  await Promise.all(told);
  const value = (performance.now() - started) / 1_000;
  const head = operator.state?.head;
  for (const one of hosts) if (head !== undefined) one.hold(head);
  return row({ name: `a statement to ${String(hosts.length)}, last one`, value, unit: "s" });
}

/** The runtime dies and is started again; until every host is welcome. */
async function storm(installation: BenchInstallation, hosts: readonly SimulatedHost[], how: Return): Promise<Row> {
  for (const host of hosts) host.returns = how;
  const workerd = partsOf(installation).find(({ name }) => name === "workerd");
  if (workerd === undefined) throw new TypeError("no workerd");
  const back = Promise.all(hosts.map(welcomed));
  const started = performance.now();
  process.kill(workerd.pid, "SIGKILL");
  await Promise.race([back, pause(STORM_MS)]);
  const value = (performance.now() - started) / 1_000;
  const missing = hosts.filter(({ isWelcome }) => !isWelcome).length;
  const name = `${String(hosts.length)} return, ${how === "at-once" ? "no back-off" : "agents' back-off"}`;
  return row({ name: missing === 0 ? name : `${name} (${String(missing)} still away)`, value, unit: "s" });
}

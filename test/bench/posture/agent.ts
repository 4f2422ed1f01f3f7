/** The installed agent at rest: what all its processes hold and use together, and how soon a change is told. */
import type { Machine } from "../../lab/machine.ts";
import type { RunningEdge } from "../../net/product.ts";
import { percentile, row, type Row } from "../bench.ts";
import { driftAlert } from "./telling.ts";

/** Until what the installation woke is asleep again: the warden waits longest, a minute. */
const SETTLE_MILLISECONDS = 70_000;
const WATCHED_LOOKS = 2;
/** Looks begin 50 seconds apart. */
const PATIENCE_MILLISECONDS = 120_000;
const MEMORY_TARGET = 2;
const PROCESSOR_TARGET = 0.005;
const ALERT_SECONDS = 60;
/** Of the gateway that test/lab starts: its user alone may enter. A file inside that others may read would be no drift. */
const STATE = "/home/openclaw/.openclaw";
const LOOK_UNIT = "clawhold-posture.service";
/** By name: a pattern leaves out those that rest at the moment. */
const OURS = ["link", "warden", "reader", "gateway", "posture"].map((name) => `clawhold-${name}.service`);
const LOOK_MILLISECONDS = 5_000;

interface Standing {
  readonly edge: RunningEdge;
  readonly machine: Machine;
  readonly host: string;
}

export async function measureAgent({ edge, machine, host }: Standing): Promise<readonly Row[]> {
  await pause(SETTLE_MILLISECONDS);
  const baseline = { name: "bare Node", value: await bareNodeMb(machine) };
  const { memory, processor, look, shares } = await watch(machine);
  const started = performance.now();
  await machine.must(["/usr/bin/chmod", "0777", STATE]);
  await driftAlert(edge, host, "gw.state.perms");
  const told = (performance.now() - started) / 1_000;
  await machine.must(["/usr/bin/chmod", "0700", STATE]);
  return [
    row({ name: "all processes, idle, median", value: memory, unit: "MB", baseline, target: MEMORY_TARGET }),
    row({ name: "processor, idle, looks included", value: processor, unit: "of one", target: PROCESSOR_TARGET }),
    ...shares.map(({ unit, milliseconds }) => row({ name: `of it, ${unit}`, value: milliseconds, unit: "ms" })),
    row({ name: "processor, the dearest look", value: look, unit: "ms" }),
    row({ name: "drift to alert", value: told, unit: "s", target: ALERT_SECONDS }),
  ];
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function bareNodeMb(machine: Machine): Promise<number> {
  const unit = "bare-node.service";
  const idle = ["/usr/local/bin/node", "-e", "setInterval(() => {}, 1000)"];
  await machine.must(["/usr/bin/systemd-run", "--quiet", `--unit=${unit}`, ...idle]);
  await pause(2_000);
  const pid = (await machine.must(["/usr/bin/systemctl", "show", "--value", "-p", "MainPID", unit])).trim();
  const value = await rssMb(machine, pid);
  await machine.must(["/usr/bin/systemctl", "stop", unit]);
  return value;
}

async function rssMb(machine: Machine, pid: string): Promise<number> {
  const { stdout } = await machine.run(["/usr/bin/cat", `/proc/${pid}/status`]); // it may have ended since it was named
  const found = /^VmRSS:\s+(\d+) kB/m.exec(stdout);
  return Number(found?.[1] ?? 0) / 1_000;
}

interface Watched {
  /** MB. */
  readonly memory: number;
  /** Of one processor. */
  readonly processor: number;
  /** Milliseconds of processor time. */
  readonly look: number;
  /** Milliseconds of processor time of each service while it was watched. */
  readonly shares: readonly { readonly unit: string; readonly milliseconds: number }[];
}

/**
 * From the beginning of one look to that of the next but one, so that neither too many nor too few are in it. Some services end and
 * start again meanwhile, and systemd keeps the counter of a run until the next one begins: so it is asked every few seconds.
 */
async function watch(machine: Machine): Promise<Watched> {
  let services = await untilNextLook(machine, lookOf(await servicesNow(machine)));
  const started = performance.now();
  const runs = new Map<string, Run>();
  const resident: number[] = [];
  const see = async (seen: readonly Service[]): Promise<void> => {
    const isFirst = runs.size === 0;
    for (const { unit, run, nanoseconds } of seen) {
      const before = runs.get(run)?.before ?? (isFirst && unit !== LOOK_UNIT ? nanoseconds : 0);
      runs.set(run, { unit, before, after: nanoseconds });
    }
    resident.push(await residentMb(machine, seen));
  };
  for (let look = 0; look < WATCHED_LOOKS; look += 1) services = await untilNextLook(machine, lookOf(services), see);
  const seconds = (performance.now() - started) / 1_000;
  const used = [...runs.values()].map(({ unit, before, after }) => ({ unit, used: after - before }));
  const looks = used.filter(({ unit }) => unit === LOOK_UNIT).map((one) => one.used / 1e6);
  return {
    memory: percentile(resident, 0.5),
    processor: used.reduce((sum, one) => sum + one.used, 0) / 1e9 / seconds,
    look: Math.max(...looks),
    shares: OURS.map((unit) => {
      const nanoseconds = used.reduce((sum, one) => sum + (one.unit === unit ? one.used : 0), 0);
      return { unit: unit.replace(/^clawhold-|\.service$/g, ""), milliseconds: nanoseconds / 1e6 };
    }),
  };
}

function lookOf(services: readonly Service[]): string | undefined {
  return services.find(({ unit }) => unit === LOOK_UNIT)?.run;
}

/** Resolves when another look than `last` has begun; everything before that goes to `see`. */
async function untilNextLook(
  machine: Machine,
  last: string | undefined,
  see: (services: readonly Service[]) => Promise<void> = () => Promise.resolve(),
): Promise<readonly Service[]> {
  const end = performance.now() + PATIENCE_MILLISECONDS;
  while (performance.now() < end) {
    const services = await servicesNow(machine);
    const look = lookOf(services); // undefined while systemd starts it
    if (look !== undefined && look !== last) return services;
    await see(services);
    await pause(LOOK_MILLISECONDS);
  }
  throw new Error(`no look at the machine began in ${String(PATIENCE_MILLISECONDS / 1_000)} s`);
}

interface Run {
  readonly unit: string;
  readonly before: number;
  readonly after: number;
}

interface Service {
  readonly unit: string;
  /** systemd's name of this run of it. */
  readonly run: string;
  readonly pid: string;
  /** Of all its processes. */
  readonly nanoseconds: number;
}

async function servicesNow(machine: Machine): Promise<readonly Service[]> {
  const shown = await machine.must([
    "/usr/bin/systemctl",
    "show",
    "-p",
    "Id,MainPID,InvocationID,CPUUsageNSec",
    ...OURS,
  ]);
  return shown.split("\n\n").flatMap((unit) => {
    const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1] ?? "";
    const [run, nanoseconds] = [value("InvocationID"), value("CPUUsageNSec")];
    const isService = run !== "" && /^\d+$/.test(nanoseconds);
    return isService ? [{ unit: value("Id"), run, pid: value("MainPID"), nanoseconds: Number(nanoseconds) }] : [];
  });
}

/** Of what stays: a look at the machine is there for a moment. */
async function residentMb(machine: Machine, services: readonly Service[]): Promise<number> {
  const staying = services.filter(({ unit, pid }) => unit !== LOOK_UNIT && /^[1-9]/.test(pid));
  const all = await Promise.all(staying.map(({ pid }) => rssMb(machine, pid)));
  return all.reduce((sum, one) => sum + one, 0);
}

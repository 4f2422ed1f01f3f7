/** The installed agent at rest: what all its processes hold and use together, and how soon a change is told. */
import type { Machine } from "../../lab/machine.ts";
import type { RunningEdge } from "../../net/product.ts";
import { row, type Row } from "../bench.ts";
import { driftAlert } from "./telling.ts";

const SETTLE_MILLISECONDS = 90_000;
const WATCHED_SECONDS = 120;
const MEMORY_TARGET = 2;
const PROCESSOR_TARGET = 0.005;
const ALERT_SECONDS = 60;
/** Of the gateway that test/lab starts: a file that its user alone may read. */
const STATE_FILE = "/home/openclaw/.openclaw/openclaw.json";
const OURS = "clawhold*";

interface Standing {
  readonly edge: RunningEdge;
  readonly machine: Machine;
  readonly host: string;
}

export async function measureAgent({ edge, machine, host }: Standing): Promise<readonly Row[]> {
  await pause(SETTLE_MILLISECONDS);
  const baseline = { name: "bare Node", value: await bareNodeMb(machine) };
  const used = await processorSeconds(machine);
  const memory = await residentMb(machine);
  const started = performance.now();
  await machine.must(["/usr/bin/chmod", "0644", STATE_FILE]);
  await driftAlert(edge, host, "gw.state.perms");
  const told = (performance.now() - started) / 1_000;
  await machine.must(["/usr/bin/chmod", "0600", STATE_FILE]);
  return [
    row({ name: "all processes, idle", value: memory, unit: "MB", baseline, target: MEMORY_TARGET }),
    row({ name: "processor, idle", value: used / WATCHED_SECONDS, unit: "of one", target: PROCESSOR_TARGET }),
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
  const found = /^VmRSS:\s+(\d+) kB/m.exec(await machine.read(`/proc/${pid}/status`));
  return Number(found?.[1] ?? 0) / 1_000;
}

/** Of every process in one of our services, by the services' own lists. */
async function residentMb(machine: Machine): Promise<number> {
  const pids = (await machine.must(["/usr/bin/systemctl", "show", "--value", "-p", "MainPID", OURS]))
    .split("\n")
    .filter((line) => /^[1-9]\d*$/.test(line));
  const all = await Promise.all(pids.map((pid) => rssMb(machine, pid)));
  return all.reduce((sum, one) => sum + one, 0);
}

/** Of those that stay by their counters, of those that ended meanwhile by what systemd wrote at their end. */
async function processorSeconds(machine: Machine): Promise<number> {
  const before = await counters(machine);
  const [{ stdout: cursor }] = [await machine.run(["/usr/bin/journalctl", "-n", "0", "--show-cursor", "-q"])];
  const since = /cursor: (\S+)/.exec(cursor)?.[1] ?? "";
  await pause(WATCHED_SECONDS * 1_000);
  const after = await counters(machine);
  const journal = ["/usr/bin/journalctl", "-o", "json", "-q", `--after-cursor=${since}`, "-u", OURS];
  const ended = (await machine.must(journal)).split("\n").flatMap((line) => (line === "" ? [] : [endOf(line)]));
  const stayed = [...after].map(([unit, used]) => used - (before.get(unit) ?? 0)).filter((used) => used > 0);
  return [...stayed, ...ended].reduce((sum, one) => sum + one, 0) / 1e9;
}

/** Nanoseconds by service, of those that run now. */
async function counters(machine: Machine): Promise<ReadonlyMap<string, number>> {
  const shown = await machine.must(["/usr/bin/systemctl", "show", "-p", "Id,MainPID,CPUUsageNSec", OURS]);
  return new Map(
    shown.split("\n\n").flatMap((unit) => {
      const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1] ?? "";
      const runs = /^[1-9]/.test(value("MainPID")) && /^\d+$/.test(value("CPUUsageNSec"));
      return runs ? [[value("Id"), Number(value("CPUUsageNSec"))] as const] : [];
    }),
  );
}

function endOf(line: string): number {
  const { CPU_USAGE_NSEC: used = "0" } = JSON.parse(line) as { readonly CPU_USAGE_NSEC?: string };
  return Number(used);
}

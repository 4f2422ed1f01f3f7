/** What the processes of an installation have used so far, from /proc. */
import { readdirSync, readFileSync } from "node:fs";
import type { BenchInstallation } from "./installation.ts";

/** Linux counts processor time in ticks of 10 ms on every machine that we run on. */
const TICK_MS = 10;

export function rssMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (line?.[1] === undefined) throw new Error(`no VmRSS for ${pid}`);
  return Number(line[1]) / 1000;
}

/** User and system time, milliseconds, of all threads. */
export function processorMs(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** What follows the name in parentheses, which may hold anything. */
function statFields(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** All processes below `pid`, by parent. */
function descendants(pid: number): readonly number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(statFields(pid)[1]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined; // it ended while we looked
    throw error;
  }
}

function commandLine(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
}

export interface NamedProcess {
  readonly name: "front and supervisor" | "workerd" | "agent";
  readonly pid: number;
}

export function processesOf({ up }: BenchInstallation): readonly NamedProcess[] {
  const front = up.child.pid ?? 0;
  const found: NamedProcess[] = [{ name: "front and supervisor", pid: front }];
  for (const pid of descendants(front)) {
    const line = commandLine(pid);
    if (line.includes("host run")) found.push({ name: "agent", pid });
    else if (line.includes("workerd")) found.push({ name: "workerd", pid });
  }
  return found;
}

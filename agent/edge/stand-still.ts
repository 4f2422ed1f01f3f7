/**
 * Holds processes of ours still and lets them go on. A signal to stop is only asked for when it is sent: a thread on another
 * core may still be writing, so nobody counts as held before the kernel says so of each thread.
 */

import { readFileSync, readdirSync } from "node:fs";
import { kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCode } from "../shared/edge-error.ts";

/** A thread in the middle of a write to a slow disk stops after it. */
const LOOKS = 500;
const LOOK_MILLISECONDS = 4;

/** Resolves when every thread stands still; rejects, and lets all go on, when one does not in time. */
export async function standStill(pids: readonly number[]): Promise<void> {
  for (const pid of pids) signal(pid, "SIGSTOP");
  for (let look = 0; look < LOOKS; look += 1) {
    if (areStill(pids)) return;
    if (pids.some((pid) => threadStates(pid).length === 0)) break;
    await sleep(LOOK_MILLISECONDS);
  }
  goOn(pids);
  throw new Error(`processes ${pids.join(", ")} do not stand still`);
}

export function goOn(pids: readonly number[]): void {
  for (const pid of pids) signal(pid, "SIGCONT");
}

/** False for a process that has ended: another may have taken its place and writes. */
export function areStill(pids: readonly number[]): boolean {
  return pids.every((pid) => {
    const states = threadStates(pid);
    return states.length > 0 && states.every((state) => state === "T");
  });
}

/** The state letter of each thread: field 3 of /proc/<pid>/task/<tid>/stat, after the name in parentheses. */
function threadStates(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => {
      const text = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
      return text.slice(text.lastIndexOf(")") + 2)[0] ?? "";
    });
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ESRCH") return [];
    throw error;
  }
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    kill(pid, name);
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error; // it has ended; `areStill` says so
  }
}

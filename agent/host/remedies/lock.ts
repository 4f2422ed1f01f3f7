/**
 * Two transactions never run at once. The kernel holds the lock (flock) for a child that lives as long as our end of its pipe is
 * open, so it is given back however we end; a lock file with a number in it would outlive a power cut.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kill, pid as ownPid } from "node:process";
import { systemCode } from "../../shared/edge-error.ts";

const FLOCK = "/usr/bin/flock";
const CAT = "/usr/bin/cat";

/** Somebody else changes this machine at the moment, or the lock cannot be had at all. */
export class LockError extends Error {
  override readonly name = "LockError";
  readonly code = "busy";
}

/** @throws {LockError} after so many seconds */
export async function locked<T>(directory: string, seconds: number, work: () => Promise<T>): Promise<T> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const release = await take(directory, seconds);
  try {
    return await work();
  } finally {
    release();
  }
}

function take(directory: string, seconds: number): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const argv = ["--exclusive", "--timeout", String(seconds), join(directory, "lock"), CAT];
    const holder = spawn(FLOCK, argv, { stdio: ["pipe", "pipe", "ignore"] });
    holder.stdin.on("error", () => undefined); // it ended: the lock was not to be had
    // What comes back went through a program that runs only with the lock.
    holder.stdout.once("data", () => resolve(() => holder.stdin.end()));
    holder.once("error", (cause) => reject(new LockError("flock does not start", { cause })));
    holder.once("exit", () => reject(new LockError("another change of this machine is under way")));
    holder.stdin.write("?");
  });
}

export interface Holder {
  readonly pid: number;
  /** Ticks since the machine started: tells a process from the next one with its number. */
  readonly began: string;
}

export function ourselves(): Holder {
  return { pid: ownPid, began: beganOf(ownPid) ?? "" };
}

/** One that hangs must not keep its own timer from taking back what it did. */
export function endHolder({ pid, began }: Holder): void {
  if (pid <= 1 || pid === ownPid || beganOf(pid) !== began) return;
  try {
    kill(pid, "SIGKILL");
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error;
  }
}

export function isAlive({ pid, began }: Holder): boolean {
  return beganOf(pid) === began;
}

function beganOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined; // gone
  }
}

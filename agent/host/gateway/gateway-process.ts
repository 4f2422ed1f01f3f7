/**
 * The gateway's process, found by the kernel's word alone: who listens on its port. It is told apart from another process
 * that got the same number by when it began. Nothing here is asked of the gateway.
 */
import { readFile, stat } from "node:fs/promises";
import { kill } from "node:process";
import { systemCode } from "../../shared/edge-error.ts";
import { listenerPid } from "./listener-pid.ts";

export interface GatewayProcess {
  readonly pid: number;
  /** Ticks since the machine started. */
  readonly began: string;
  readonly uid: number;
}

/** Undefined when nothing listens there, or a process that we may not look into. */
export async function gatewayProcess(port: number): Promise<GatewayProcess | undefined> {
  const pid = await listenerPid(port);
  return pid === undefined ? undefined : lookUp(pid);
}

async function lookUp(pid: number): Promise<GatewayProcess | undefined> {
  const began = await beganOf(pid);
  if (began === undefined) return undefined;
  try {
    return { pid, began, uid: (await stat(`/proc/${String(pid)}`)).uid };
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Field 22 of the kernel's line; the name in the middle may hold anything, so it is read from behind it. */
async function beganOf(pid: number): Promise<string | undefined> {
  const line = await readStat(pid);
  return line === undefined || line[0] === "Z" ? undefined : line[19];
}

export async function parentOf(pid: number): Promise<number | undefined> {
  const parent = Number((await readStat(pid))?.[1]);
  return Number.isSafeInteger(parent) && parent > 0 ? parent : undefined;
}

/** From the state (field 3) on. */
async function readStat(pid: number): Promise<readonly string[] | undefined> {
  try {
    const text = await readFile(`/proc/${String(pid)}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

export async function isAlive({ pid, began }: GatewayProcess): Promise<boolean> {
  return (await beganOf(pid)) === began;
}

/**
 * `SIGUSR2` is the gateway's own signal for a restart in place. `SIGUSR1` would open a debugger to everybody on the
 * machine, so it cannot be said here.
 */
export type GatewaySignal = "SIGTERM" | "SIGKILL" | "SIGUSR2";

/** False: the system does not let us, or it is gone. */
export async function signal(process: GatewayProcess, name: GatewaySignal): Promise<boolean> {
  if (!(await isAlive(process))) return false;
  try {
    kill(process.pid, name);
    return true;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}

/**
 * The gateway's processes, found by the kernel's word alone: who listens on its port. One is told apart from another process
 * that got the same number by when it began. Nothing here is asked of the gateway.
 */
import { readFile } from "node:fs/promises";
import { kill, pid as ownPid } from "node:process";
import { systemCode } from "../../shared/edge-error.ts";
import { listenerPids, uidOf } from "./listener-pid.ts";

export interface GatewayProcess {
  readonly pid: number;
  /** Ticks since the machine started. */
  readonly began: string;
  readonly uid: number;
}

const INIT = 1;
const ROOT = 0;

/**
 * All that listen there and may be ended for it. A configuration names the port, and whoever may write it could name the
 * port of a program that is not his: root must not end that one, nor the machine's first process, nor itself.
 */
export async function gatewayProcesses(
  port: number,
  ownerUid: number | undefined,
  tables?: readonly string[],
): Promise<readonly GatewayProcess[]> {
  const found: GatewayProcess[] = [];
  for (const pid of await listenerPids(port, tables)) {
    if (pid === INIT || pid === ownPid) continue;
    const process = await lookUp(pid);
    if (process === undefined) continue;
    if (ownerUid === undefined || ownerUid === ROOT || process.uid === ownerUid) found.push(process);
  }
  return found;
}

async function lookUp(pid: number): Promise<GatewayProcess | undefined> {
  const [began, uid] = [await beganOf(pid), await uidOf(pid)];
  return began === undefined || uid === undefined ? undefined : { pid, began, uid };
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

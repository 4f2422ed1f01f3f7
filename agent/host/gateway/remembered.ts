/**
 * Which processes were last seen to be the gateway. Its configuration belongs to the gateway itself, which may be hostile:
 * it can name another port and run on. So nobody says that it is down while one of these lives. It may not be asked
 * anything, and nothing of it leaves the host.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { count } from "../../../protocol/fields.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { isAlive, type GatewayProcess } from "./gateway-process.ts";
import { readKept, writeKept } from "./kept-file.ts";

const MAX_BYTES = 8_192;
/** Of each kind: those that listen now, and those of before that live on beside them. */
const MAX_PROCESSES = 8;

const rememberedSchema = v.strictObject({
  v: v.literal(1),
  /** A number and a beginning are one process within one boot of the machine. */
  boot: v.pipe(v.string(), v.maxLength(64)),
  processes: v.pipe(
    v.array(v.strictObject({ pid: count, began: v.pipe(v.string(), v.regex(/^\d{1,20}$/)), uid: count, port: count })),
    v.maxLength(2 * MAX_PROCESSES),
  ),
});

export interface RememberedProcess extends GatewayProcess {
  readonly port: number;
}

export interface Remembered {
  /** Whether a gateway was ever seen here. */
  readonly any: boolean;
  readonly alive: readonly RememberedProcess[];
}

/** @throws {KeptFileError} */
export async function rememberedProcesses(directory: string): Promise<Remembered> {
  const kept = readKept(pathIn(directory), rememberedSchema, MAX_BYTES);
  const alive: RememberedProcess[] = [];
  if (kept?.boot === (await bootOfMachine()))
    for (const process of kept.processes) if (await isAlive(process)) alive.push(process);
  return { any: kept !== undefined && kept.processes.length > 0, alive };
}

/**
 * Those that listen now, beside those of before that live on: a decoy that listens where the configuration newly points
 * must not make the real one forgotten. The file is written only when it changes.
 *
 * @throws {KeptFileError}
 */
export async function rememberProcesses(
  directory: string,
  processes: readonly GatewayProcess[],
  port: number,
): Promise<void> {
  if (processes.length === 0) return;
  const isNow = ({ pid, began }: GatewayProcess): boolean =>
    processes.some((process) => process.pid === pid && process.began === began);
  const { alive } = await rememberedProcesses(directory);
  const former = alive.filter((process) => !isNow(process)).slice(0, MAX_PROCESSES);
  const now = processes.slice(0, MAX_PROCESSES).map(({ pid, began, uid }) => ({ pid, began, uid, port }));
  const value = { v: 1 as const, boot: await bootOfMachine(), processes: [...former, ...now] };
  const before = readKept(pathIn(directory), rememberedSchema, MAX_BYTES);
  if (JSON.stringify(before) !== JSON.stringify(value)) writeKept(pathIn(directory), value);
}

async function bootOfMachine(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "latin1")).trim();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return ""; // a system without it has no table of processes either
  }
}

function pathIn(directory: string): string {
  return join(directory, "process.json");
}

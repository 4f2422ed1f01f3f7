/**
 * The systemd unit that keeps a gateway running, found by the control group of its process and held against the unit's own
 * main process: a unit that merely contains the gateway (a shell, a desktop, ourselves) is never stopped. Programs get
 * argument lists; there is no shell.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { count } from "../../../protocol/fields.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { parentOf, type GatewayProcess } from "./gateway-process.ts";
import { readKept, writeKept } from "./kept-file.ts";

const unitSchema = v.strictObject({
  v: v.literal(1),
  scope: v.picklist(["system", "user"]),
  uid: count,
  name: v.pipe(v.string(), v.maxLength(255), v.regex(/^[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*\.service$/)),
});
export type Unit = v.InferOutput<typeof unitSchema>;

export interface Ran {
  readonly ok: boolean;
  readonly output: string;
}
/** Runs systemctl with these arguments. */
export type Systemctl = (parameters: readonly string[], runtimeDirectory: string | undefined) => Promise<Ran>;

const SYSTEMCTL = "/usr/bin/systemctl";
/** It is told not to wait for the unit. */
const SYSTEMCTL_MILLISECONDS = 10_000;
const MAX_OUTPUT_BYTES = 16_384;
const MAX_UNIT_BYTES = 4_096;

export const systemctl: Systemctl = (parameters, runtimeDirectory) =>
  new Promise((resolve) => {
    const environment = {
      PATH: "/usr/bin:/bin",
      LC_ALL: "C",
      ...(runtimeDirectory === undefined ? {} : { XDG_RUNTIME_DIR: runtimeDirectory }),
    };
    execFile(
      SYSTEMCTL,
      [...parameters],
      { env: environment, timeout: SYSTEMCTL_MILLISECONDS, maxBuffer: MAX_OUTPUT_BYTES },
      // Whatever went wrong, the unit was not moved; the caller looks at the gateway itself.
      (error, output) => resolve({ ok: error === null, output }),
    );
  });

/** Asks for one thing about a unit, or of it. `ownUid`: root speaks to another user's manager by name. */
export function command(
  unit: Unit,
  parameters: readonly string[],
  { run, ownUid }: { readonly run: Systemctl; readonly ownUid: number },
): Promise<Ran> {
  if (unit.scope === "system") return run([...parameters, "--", unit.name], undefined);
  const manager = unit.uid === ownUid ? ["--user"] : ["--user", `--machine=${String(unit.uid)}@.host`];
  return run([...manager, ...parameters, "--", unit.name], `/run/user/${String(ownUid)}`);
}

/** The unit of this process; undefined: it is nobody's main process. */
export async function unitOf(
  process: GatewayProcess,
  how: { readonly run: Systemctl; readonly ownUid: number },
): Promise<Unit | undefined> {
  const unit = unitOfGroup(await readGroup(process.pid));
  if (unit === undefined) return undefined;
  const { ok, output } = await command(unit, ["show", "--property=MainPID", "--value"], how);
  const main = Number(output.trim());
  if (!ok || !Number.isSafeInteger(main) || main <= 1) return undefined;
  // A unit may start the gateway through one wrapper.
  return main === process.pid || main === (await parentOf(process.pid)) ? unit : undefined;
}

const STATES: Readonly<Record<string, UnitState>> = {
  active: "active",
  reloading: "active",
  refreshing: "active",
  // Also between an end and the restart that follows it.
  activating: "active",
  deactivating: "active",
  inactive: "inactive",
  failed: "inactive",
};

export type UnitState = "active" | "inactive" | "unknown";

/** Whether its service manager says that it runs, or may run again in a moment. */
export async function stateOf(
  unit: Unit,
  how: { readonly run: Systemctl; readonly ownUid: number },
): Promise<UnitState> {
  const { ok, output } = await command(unit, ["show", "--property=ActiveState", "--value"], how);
  const word = output.trim();
  return ok && Object.hasOwn(STATES, word) ? (STATES[word] ?? "unknown") : "unknown";
}

async function readGroup(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${String(pid)}/cgroup`, "latin1");
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return "";
  }
}

/** From the kernel's lines `0::/system.slice/x.service` (or `1:name=systemd:…` on older systems). */
export function unitOfGroup(text: string): Unit | undefined {
  const path = /^(?:0:|1:name=systemd):(\/.*)$/m.exec(text)?.[1];
  if (path === undefined) return undefined;
  const manager = /\/user@(\d{1,9})\.service\//.exec(path);
  const name = path.split("/").at(-1) ?? "";
  const uid = manager?.[1] === undefined ? 0 : Number(manager[1]);
  const unit = { v: 1, scope: manager === null ? "system" : "user", uid, name };
  return v.is(unitSchema, unit) && !name.startsWith("user@") ? unit : undefined;
}

/** So that a gateway that is down can be started by the same unit. */
export function keepUnit(directory: string, unit: Unit): void {
  writeKept(unitPath(directory), unit);
}

/** @throws {KeptFileError} */
export function keptUnit(directory: string): Unit | undefined {
  return readKept(unitPath(directory), unitSchema, MAX_UNIT_BYTES);
}

function unitPath(directory: string): string {
  return join(directory, "supervisor.json");
}

/**
 * Stops and starts the gateway's process through whoever keeps it running: our own demo supervisor, a systemd unit, or
 * nobody. What became of it is decided by the kernel's tables, never by what was asked. It may not start a program that
 * it has not seen running as a unit.
 */
import { userInfo } from "node:os";
import { readWanted, wantedFileOf, writeWanted } from "../demo/wanted-file.ts";
import { gatewayProcess, isAlive, signal, type GatewayProcess } from "./gateway-process.ts";
import { listenersOf } from "./listening.ts";
import type { GatewayTools } from "./operations/implementation.ts";
import { probeReadiness } from "./probe.ts";
import { command, keepUnit, keptUnit, systemctl, unitOf, type Systemctl } from "./systemd-unit.ts";

/** A gateway stops in two seconds when it is idle; then its runs are cut off. */
export const STOP_MILLISECONDS = 30_000;
/** Between the last signal and the moment when the kernel has closed everything. */
const GONE_MILLISECONDS = 5_000;
/** Ten seconds as a rule, fifteen on a cold cache, more on a slow disk. */
export const START_MILLISECONDS = 90_000;
const LOOK_MILLISECONDS = 250;
const ROOT = 0;

export type StopResult = "stopped" | "already_stopped" | "not_permitted" | "still_running";
export type StartResult = "started" | "already_running" | "no_supervisor" | "not_started";

export type Place = Pick<GatewayTools, "target" | "place" | "directory" | "wait" | "elapsed">;

export interface Supervisor {
  /** For tests. */
  readonly run?: Systemctl;
}

/**
 * The process now; undefined when it is down or another user's. A configuration names the port, and whoever may write it
 * could name the port of a program that is not his: root must not end that one.
 */
export async function findGateway(tools: Pick<Place, "target">): Promise<GatewayProcess | undefined> {
  const { port, ownerUid } = await tools.target();
  const process = await gatewayProcess(port);
  const isForeign = ownerUid !== undefined && ownerUid !== ROOT && process?.uid !== ownerUid;
  return isForeign ? undefined : process;
}

/** Ends it and keeps it down. `milliseconds`: how long it may drain before it is cut off. */
export async function stopGateway(
  tools: Place,
  { run = systemctl, milliseconds = STOP_MILLISECONDS }: Supervisor & { readonly milliseconds?: number } = {},
): Promise<StopResult> {
  const process = await findGateway(tools);
  if (await isDown(tools, process)) {
    if (tools.place?.kind === "demo") tellDemo(tools, false); // it may be between two crashes
    return "already_stopped";
  }
  const isTold = await askToStop(tools, process, run);
  if (!isTold) return "not_permitted";
  if (await becomes(tools, milliseconds, () => isDown(tools, process))) return "stopped";
  if (process !== undefined) await signal(process, "SIGKILL");
  return (await becomes(tools, GONE_MILLISECONDS, () => isDown(tools, process))) ? "stopped" : "still_running";
}

async function askToStop(tools: Place, process: GatewayProcess | undefined, run: Systemctl): Promise<boolean> {
  if (tools.place?.kind === "demo") return tellDemo(tools, false);
  if (process === undefined) return false;
  const how = { run, ownUid: userInfo().uid };
  const unit = await unitOf(process, how);
  if (unit === undefined) return signal(process, "SIGTERM");
  keepUnit(tools.directory, unit);
  // Without waiting: a unit may take minutes, and we look for ourselves. A plain signal would be undone by Restart=.
  return (await command(unit, ["stop", "--no-block"], how)).ok;
}

function tellDemo({ place }: Pick<Place, "place">, runs: boolean): boolean {
  if (place?.tokenFile === undefined) return false;
  writeWanted(wantedFileOf(place.tokenFile), runs);
  return true;
}

/** Nothing listens on its port, and the process that did is gone. */
async function isDown(tools: Pick<Place, "target">, process: GatewayProcess | undefined): Promise<boolean> {
  const { host, port } = await tools.target();
  const listeners = await listenersOf(port);
  const listens = listeners === undefined ? (await probeReadiness(host, port)).answers : listeners.length > 0;
  return !listens && (process === undefined || !(await isAlive(process)));
}

/** Starts it where something of this machine keeps it, and waits until it says that it is ready. */
export async function startGateway(
  tools: Place,
  { run = systemctl, milliseconds = START_MILLISECONDS }: Supervisor & { readonly milliseconds?: number } = {},
): Promise<StartResult> {
  if (await isReady(tools)) return "already_running";
  if (!(await askToStart(tools, run))) return "no_supervisor";
  return (await becomes(tools, milliseconds, () => isReady(tools))) ? "started" : "not_started";
}

async function askToStart(tools: Place, run: Systemctl): Promise<boolean> {
  if (tools.place?.kind === "demo") return tellDemo(tools, true);
  const unit = keptUnit(tools.directory);
  if (unit === undefined) return false;
  const how = { run, ownUid: userInfo().uid };
  // One that failed too often in a row is otherwise refused.
  await command(unit, ["reset-failed"], how);
  return (await command(unit, ["start", "--no-block"], how)).ok;
}

export async function isReady(tools: Pick<Place, "target">): Promise<boolean> {
  const { host, port } = await tools.target();
  return (await probeReadiness(host, port)).ready;
}

/**
 * Ends the process and starts another one: a restart in place keeps the addresses that it listens on. Only where something
 * will start it again; false leaves it as it was.
 */
export async function renewGateway(tools: Place, { run = systemctl }: Supervisor = {}): Promise<boolean> {
  const process = await findGateway(tools);
  if (process === undefined) return false;
  const unit = await unitOf(process, { run, ownUid: userInfo().uid });
  if (tools.place?.kind !== "demo" && unit === undefined) return false;
  const ended = await stopGateway(tools, { run });
  if (ended !== "stopped" && ended !== "already_stopped") return false;
  return (await startGateway(tools, { run })) === "started";
}

/**
 * Makes a gateway that did not come up read its file again. It serves nobody, so whoever keeps it may start it from
 * nothing, which is faster: one that failed first spends half a minute on looking for the reason. Without anybody who
 * keeps it the process itself is asked. `before`: the process that listened before the trouble began.
 */
export async function reviveGateway(
  tools: Place,
  before: GatewayProcess | undefined,
  { run = systemctl }: Supervisor = {},
): Promise<boolean> {
  const { place, directory } = tools;
  if (place?.tokenFile !== undefined) {
    if (!readWanted(wantedFileOf(place.tokenFile)).runs) return false;
    return before === undefined || !(await isAlive(before)) ? tellDemo(tools, true) : signal(before, "SIGKILL");
  }
  const how = { run, ownUid: userInfo().uid };
  const unit = (before === undefined ? undefined : await unitOf(before, how)) ?? keptUnit(directory);
  if (unit === undefined) return before !== undefined && signal(before, "SIGUSR2");
  if (before !== undefined) await signal(before, "SIGKILL");
  await command(unit, ["reset-failed"], how);
  return (await command(unit, ["restart", "--no-block"], how)).ok;
}

/** Remembers the unit while the gateway runs, so that it can be started when something else ended it. */
export async function rememberUnit(tools: Place, { run = systemctl }: Supervisor = {}): Promise<void> {
  if (tools.place?.kind === "demo") return;
  const process = await findGateway(tools);
  const unit = process === undefined ? undefined : await unitOf(process, { run, ownUid: userInfo().uid });
  if (unit !== undefined) keepUnit(tools.directory, unit);
}

async function becomes(
  { elapsed, wait }: Pick<Place, "elapsed" | "wait">,
  milliseconds: number,
  look: () => Promise<boolean>,
): Promise<boolean> {
  const until = elapsed() + milliseconds;
  for (;;) {
    if (await look()) return true;
    if (elapsed() >= until) return false;
    await wait(LOOK_MILLISECONDS);
  }
}

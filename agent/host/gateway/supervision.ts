/**
 * Stops and starts the gateway's process through whoever keeps it running: our own demo supervisor, a systemd unit, or
 * nobody. What became of it is decided by the kernel's tables, never by what was asked. It may not start a program that
 * it has not seen running as a unit.
 */
import { userInfo } from "node:os";
import { readWanted, wantedFileOf } from "../demo/wanted-file.ts";
import { Ending, tellDemo } from "./ending.ts";
import { gatewayProcesses, isAlive, signal, type GatewayProcess } from "./gateway-process.ts";
import type { GatewayTools } from "./operations/implementation.ts";
import { probeReadiness } from "./probe.ts";
import { rememberProcesses } from "./remembered.ts";
import { command, keepUnit, keptUnit, systemctl, unitOf, type Systemctl } from "./systemd-unit.ts";

/** A gateway stops in two seconds when it is idle; then its runs are cut off. */
export const STOP_MILLISECONDS = 30_000;
/** Between the last signal and the moment when the kernel has closed everything. */
const GONE_MILLISECONDS = 1_000;
const CUT_ROUNDS = 5;
/** Ten seconds as a rule, fifteen on a cold cache, more on a slow disk. */
export const START_MILLISECONDS = 90_000;
const LOOK_MILLISECONDS = 250;

export type StopResult = "stopped" | "already_stopped" | "not_permitted" | "still_running" | "not_found";
export type StartResult = "started" | "already_running" | "no_supervisor" | "not_started";

export type Place = Pick<GatewayTools, "target" | "place" | "directory" | "wait" | "elapsed">;

export interface Supervisor {
  /** For tests. */
  readonly run?: Systemctl;
}

/** The process now; undefined when it is down or another user's. */
export async function findGateway(tools: Pick<Place, "target">): Promise<GatewayProcess | undefined> {
  const { port, ownerUid, network } = await tools.target();
  return (await gatewayProcesses(port, ownerUid, network?.tables))[0];
}

/** Ends it and keeps it down. `milliseconds`: how long it may drain before it is cut off. */
export async function stopGateway(
  tools: Place,
  { run = systemctl, milliseconds = STOP_MILLISECONDS }: Supervisor & { readonly milliseconds?: number } = {},
): Promise<StopResult> {
  const ending = await Ending.begin(tools, run);
  if (await ending.isDown()) {
    if (tools.place?.kind === "demo") tellDemo(tools, false); // it may be between two crashes
    return (await ending.isProven()) ? "already_stopped" : "not_found";
  }
  if (!(await ending.ask())) return "not_permitted";
  if (await becomes(tools, milliseconds, () => ending.isDown())) return "stopped";
  for (let round = 0; round < CUT_ROUNDS; round += 1) {
    await ending.cut(); // a child may have taken the socket over meanwhile
    if (await becomes(tools, GONE_MILLISECONDS, () => ending.isDown())) return "stopped";
  }
  return (await ending.isForeign()) ? "not_permitted" : "still_running";
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
  const { host, port, network } = await tools.target();
  return (await probeReadiness(host, port, network?.socket)).ready;
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

/**
 * Remembers the process and its unit while the gateway runs: what must be dead before anybody says that it is down, and
 * what can be started when something else ended it.
 */
export async function rememberGateway(tools: Place, { run = systemctl }: Supervisor = {}): Promise<void> {
  const { port, ownerUid, network } = await tools.target();
  const processes = await gatewayProcesses(port, ownerUid, network?.tables);
  await rememberProcesses(tools.directory, processes, port);
  const [process] = processes;
  if (process === undefined || tools.place?.kind === "demo") return;
  const unit = await unitOf(process, { run, ownUid: userInfo().uid });
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

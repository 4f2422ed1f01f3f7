/**
 * One round of questions on one low-scope connection. Each answer is reduced to its figures at once; an answer that
 * does not come or does not fit leaves its figures out and never the others.
 */
import type { Telemetry } from "../../../protocol/telemetry.ts";
import type { GatewayConnection } from "./client.ts";
import { changedPaths } from "./config-seen.ts";
import { readSnapshot } from "./config-snapshot.ts";
import { GatewayError } from "./faults.ts";
import type { GatewayFault } from "./faults.ts";
import { readAgents, readChannels, readCron, readHealth, readSessions, readSystem, readUsage } from "./projection.ts";

/** A session counts as active when something happened in it in the last quarter of an hour. */
export const ACTIVE_SESSION_MINUTES = 15;

export interface Vitals {
  /** Undefined: it did not say. */
  readonly isWell: boolean | undefined;
  /** Why the health question failed, if it did. */
  readonly fault: GatewayFault | undefined;
  readonly figures: Pick<Telemetry["gateway"], "rssBytes" | "eventLoopDelayMs">;
  readonly sessions: Telemetry["sessions"];
}

export interface Inventory {
  readonly agents: number | undefined;
  readonly cron: Telemetry["cron"];
  readonly channels: Telemetry["channels"];
}

interface Answer {
  readonly payload: unknown;
  readonly fault: GatewayFault | undefined;
}

async function ask(connection: GatewayConnection, method: string, parameters: object): Promise<Answer> {
  try {
    return { payload: await connection.call(method, parameters), fault: undefined };
  } catch (error) {
    if (error instanceof GatewayError) return { payload: undefined, fault: error.fault };
    throw error;
  }
}

/** The cheap questions (30 ms in all). */
export async function pollVitals(connection: GatewayConnection): Promise<Vitals> {
  const [health, system, sessions, active] = await Promise.all([
    ask(connection, "health", {}),
    ask(connection, "system.info", {}),
    ask(connection, "sessions.list", { limit: 1 }),
    ask(connection, "sessions.list", { limit: 1, activeMinutes: ACTIVE_SESSION_MINUTES }),
  ]);
  return {
    isWell: readHealth(health.payload),
    fault: health.fault,
    figures: readSystem(system.payload),
    sessions: readSessions(sessions.payload, active.payload),
  };
}

/**
 * All agents' usage of the gateway's own day. The gateway answers from a cache that is up to 30 s old and begins to
 * recompute only when asked, so it is asked in every round. An unfinished answer is cached as well, under its number of
 * days: asking for one day more gets past it. Only the last day of the answer is read.
 */
export async function pollUsage(connection: GatewayConnection, days: number): Promise<Telemetry["usage"]> {
  const answer = await ask(connection, "usage.cost", { days, agentScope: "all", mode: "gateway" });
  return readUsage(answer.payload);
}

/** What changes slowly. `compact` keeps the jobs' prompts out of the answer. */
export async function pollInventory(connection: GatewayConnection): Promise<Inventory> {
  const [agents, jobs, enabledJobs, failedJobs, channels] = await Promise.all([
    ask(connection, "agents.list", {}),
    ask(connection, "cron.list", { includeDisabled: true, compact: true, limit: 1 }),
    ask(connection, "cron.list", { enabled: "enabled", compact: true, limit: 1 }),
    ask(connection, "cron.list", { enabled: "enabled", lastRunStatus: "error", compact: true, limit: 1 }),
    ask(connection, "channels.status", { probe: false }),
  ]);
  return {
    agents: readAgents(agents.payload),
    cron: readCron(jobs.payload, enabledJobs.payload, failedJobs.payload),
    channels: readChannels(channels.payload),
  };
}

/**
 * How the configuration stands, from the gateway's longest answer: asked rarely. Undefined: it does not say. `kept`: the
 * configuration that Clawhold last wrote or saw; undefined where there is none.
 */
export async function pollConfiguration(
  connection: GatewayConnection,
  kept: () => unknown,
): Promise<Telemetry["gateway"]["configuration"]> {
  try {
    const { isValid, written, applied, tree } = await readSnapshot(connection);
    if (!isValid) return "invalid";
    if (written !== applied) return "pending";
    const before = kept();
    return before === undefined || changedPaths(before, tree).length === 0 ? "applied" : "drifted";
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/**
 * One round of questions on one low-scope connection. Each answer is reduced to its figures at once; an answer that
 * does not come or does not fit leaves its figures out and never the others.
 */
import type { Telemetry } from "../../../protocol/telemetry.ts";
import type { GatewayConnection } from "./client.ts";
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
  readonly usage: Telemetry["usage"];
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

/** What changes slowly or costs the gateway more. `compact` keeps the jobs' prompts out of the answer. */
export async function pollInventory(connection: GatewayConnection): Promise<Inventory> {
  const [usage, agents, jobs, enabledJobs, channels] = await Promise.all([
    ask(connection, "usage.cost", { days: 1 }),
    ask(connection, "agents.list", {}),
    ask(connection, "cron.list", { includeDisabled: true, compact: true, limit: 1 }),
    ask(connection, "cron.list", { enabled: "enabled", compact: true, limit: 1 }),
    ask(connection, "channels.status", { probe: false }),
  ]);
  return {
    usage: readUsage(usage.payload),
    agents: readAgents(agents.payload),
    cron: readCron(jobs.payload, enabledJobs.payload),
    channels: readChannels(channels.payload),
  };
}

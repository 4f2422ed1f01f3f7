/**
 * From what a gateway answers to what may leave the host: field by field, numbers only, each checked by the schema that
 * the edge uses too. The answers hold session titles, prompts, paths and names; no function here copies an object.
 * A lie of the wrong type or size becomes an absent field, never an error and never a repaired value.
 */
import * as v from "valibot";
import { telemetrySchema } from "../../../protocol/telemetry.ts";
import type { Telemetry } from "../../../protocol/telemetry.ts";
import { field, isFields } from "./wire.ts";

const entries = telemetrySchema.entries;
const count = entries.at;
/** A gateway with more channels or accounts than this is making them up. */
const MAX_CHANNEL_ACCOUNTS = 1_000;
const MICROS = 1_000_000;

function countOf(value: unknown): number | undefined {
  return v.is(count, value) ? value : undefined;
}

/** A count from a number with a fraction (milliseconds, dollars), rounded by `round`. */
function roundedCount(value: unknown, round: (value: number) => number, factor = 1): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? countOf(round(value * factor)) : undefined;
}

/** `health`: is it well, by its own account? Undefined when it does not say. */
export function readHealth(payload: unknown): boolean | undefined {
  const ok = field(payload, "ok");
  if (typeof ok !== "boolean") return undefined;
  return ok && field(field(payload, "modelRuntime"), "degraded") !== true;
}

/** `system.info`. */
export function readSystem(payload: unknown): Pick<Telemetry["gateway"], "rssBytes" | "eventLoopDelayMs"> {
  const rssBytes = countOf(field(field(payload, "processMemory"), "rssBytes"));
  const eventLoopDelayMs = roundedCount(field(field(payload, "eventLoop"), "delayP99Ms"), Math.ceil);
  return {
    ...(rssBytes === undefined ? {} : { rssBytes }),
    ...(eventLoopDelayMs === undefined ? {} : { eventLoopDelayMs }),
  };
}

/** `sessions.list`, twice with limit 1: all, and those with activity in the last minutes. The one row is not read. */
export function readSessions(all: unknown, recent: unknown): Telemetry["sessions"] {
  const total = countOf(field(all, "totalCount"));
  const active = countOf(field(recent, "totalCount"));
  return total === undefined || active === undefined ? undefined : { total, active };
}

const freshness = { fresh: "fresh", refreshing: "refreshing", stale: "stale", partial: "refreshing" } as const;

/** The last day of `usage.cost`. The gateway answers zeros while its cache is being computed, and says so. */
export function readUsage(payload: unknown): Telemetry["usage"] {
  const daily = field(payload, "daily");
  const row: unknown = Array.isArray(daily) ? daily.at(-1) : undefined;
  const status = field(field(payload, "cacheStatus"), "status");
  const usage = {
    day: field(row, "date"),
    inputTokens: field(row, "input"),
    outputTokens: field(row, "output"),
    cacheReadTokens: field(row, "cacheRead"),
    totalTokens: field(row, "totalTokens"),
    costMicros: roundedCount(field(row, "totalCost"), Math.round, MICROS),
    freshness:
      typeof status === "string" && Object.hasOwn(freshness, status)
        ? freshness[status as keyof typeof freshness]
        : "stale",
    asOf: roundedCount(field(payload, "updatedAt"), Math.floor, 1 / 1_000),
  };
  return v.is(entries.usage, usage) ? usage : undefined;
}

/**
 * While the gateway recomputes it may answer with less than it said before. On one day figures only grow, so the
 * earlier, larger ones stand (with their own time) until the cache is fresh. An older answer never replaces a newer one.
 */
export function steadyUsage(before: Telemetry["usage"], now: Telemetry["usage"]): Telemetry["usage"] {
  if (before === undefined || now === undefined) return now ?? before;
  if (now.asOf < before.asOf) return before;
  if (now.freshness === "fresh" || before.day !== now.day) return now;
  return now.totalTokens >= before.totalTokens ? now : { ...before, freshness: now.freshness };
}

/** `cron.list {compact, limit: 1}`: all jobs, the enabled ones, and those of them whose last run failed. */
export function readCron(all: unknown, enabled: unknown, failed: unknown): Telemetry["cron"] {
  const total = countOf(field(all, "total"));
  const on = countOf(field(enabled, "total"));
  const failing = countOf(field(failed, "total"));
  if (total === undefined || on === undefined) return undefined;
  return { total, enabled: on, ...(failing === undefined ? {} : { failing }) };
}

/** `agents.list`: how many, not who. */
export function readAgents(payload: unknown): number | undefined {
  const agents = field(payload, "agents");
  return Array.isArray(agents) ? countOf(agents.length) : undefined;
}

/** `channels.status` without probing: accounts that are set up, and those that say they are connected or running. */
export function readChannels(payload: unknown): Telemetry["channels"] {
  const byChannel = field(payload, "channelAccounts");
  if (!isFields(byChannel)) return undefined;
  const accounts: unknown[] = Object.values(byChannel).flatMap((list) => (Array.isArray(list) ? list : []));
  if (accounts.length > MAX_CHANNEL_ACCOUNTS) return undefined;
  const configured = accounts.filter((account) => field(account, "configured") === true);
  const connected = configured.filter((account) => {
    const says = field(account, "connected");
    return typeof says === "boolean" ? says : field(account, "running") === true;
  });
  return { configured: configured.length, connected: connected.length };
}

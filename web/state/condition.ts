/**
 * What a host's condition is, in a shape, a word and a sentence, and whether it needs a person. Pure.
 * A gateway's own word for its health is a claim; silence is "not heard from", never "down".
 */
import type { GatewayState } from "../../protocol/telemetry.ts";
import { SILENT_SECONDS } from "../../protocol/limits.ts";
import { formatAge } from "../format.ts";
import type { HostView } from "./backend.ts";

export type Shape = "ok" | "warn" | "bad" | "unknown" | "stopped" | "pending";

export interface Condition {
  readonly shape: Shape;
  readonly word: string;
  /** Higher needs a person sooner; 0 needs nobody. */
  readonly urgency: number;
  /** What is so and what to do, where the word alone is not enough. */
  readonly sentence?: string;
}

/** Usage older than this is shown as stale. */
export const STALE_SECONDS = 300;
/** Figures older than this leave totals, and the total says so. */
export const DROPPED_SECONDS = 3_600;

const gatewayConditions = {
  running: { shape: "ok", word: "Running", urgency: 0 },
  degraded: {
    shape: "warn",
    word: "Degraded",
    urgency: 3,
    sentence: "The gateway answers and says it is not well. A restart often helps.",
  },
  starting: { shape: "pending", word: "Starting", urgency: 0 },
  stopped: {
    shape: "stopped",
    word: "Stopped",
    urgency: 2,
    sentence:
      "Nothing listens where the gateway used to listen. Start it on the machine. After a restart it comes back by itself.",
  },
  unauthorized: {
    shape: "bad",
    word: "Not paired",
    urgency: 4,
    sentence: "The gateway answers and does not accept our device. On the machine, type clawhold doctor.",
  },
  config_invalid: {
    shape: "bad",
    word: "Config broken",
    urgency: 5,
    sentence: "The gateway's configuration file does not parse, so it cannot start. Correct it on the machine.",
  },
  unsupported: {
    shape: "warn",
    word: "Unsupported",
    urgency: 3,
    sentence: "The gateway speaks another protocol version. Update it, or update Clawhold.",
  },
  // Telemetry cannot tell a choice from a search that found nothing, and a choice must not ask for a person for ever.
  none: {
    shape: "unknown",
    word: "No gateway watched",
    urgency: 0,
    sentence:
      "None was wanted on this machine, or none was found. To watch one, start it, then start Clawhold there again. Beside the dashboard, npm start -- --gateway demo fetches one.",
  },
} satisfies Record<GatewayState, Condition>;

/** It starts and ends with Clawhold, so the first reports of its agent come before it answers. */
const demoStopped: Condition = {
  shape: "stopped",
  word: "Starting or stopped",
  urgency: 1,
  sentence:
    "The demo gateway does not answer. It starts with Clawhold and takes up to a minute. If this stays, start Clawhold there again.",
};

/**
 * While a restart is under way, on the host page, whose note says the rest: "start it on the machine" would send somebody
 * there for nothing.
 */
export const restarting: Condition = { shape: "pending", word: "Restarting", urgency: 0 };

/** A host that sent nothing for three beats has not been heard from, whatever its socket says. */
export function isSilent(host: HostView, now: number): boolean {
  return host.lastSeenAt === undefined || now - host.lastSeenAt > SILENT_SECONDS;
}

export function conditionOf(host: HostView, now: number): Condition {
  if (host.admission === "waiting") {
    return {
      shape: "unknown",
      word: "Wants to join",
      urgency: 9,
      sentence: "Compare its six words with its terminal, then admit it.",
    };
  }
  if (host.admission === "removed") return { shape: "stopped", word: "Removed", urgency: 0 };
  if (isSilent(host, now)) return notHeardFrom(host, now);
  if (host.telemetry === undefined) return { shape: "pending", word: "Connecting", urgency: 0 };
  const { state, demo } = host.telemetry.gateway;
  return demo && state === "stopped" ? demoStopped : gatewayConditions[state];
}

/** A machine without a gateway is no gateway that does not run. */
export function watchesGateway(host: HostView): boolean {
  return host.telemetry?.gateway.state !== "none";
}

function notHeardFrom(host: HostView, now: number): Condition {
  const since = host.lastSeenAt === undefined ? "yet" : `for ${formatAge(now - host.lastSeenAt)}`;
  return {
    shape: "unknown",
    word: "Not heard from",
    urgency: 6,
    sentence: `No word from ${host.label} ${since}. Its gateway may be fine. On the machine, type clawhold doctor.`,
  };
}

/** How old the day's figures are: what the gateway says of its cache, plus the time since we heard it. */
export function usageAge(host: HostView, now: number): number | undefined {
  const { telemetry, telemetryAt } = host;
  if (telemetry?.usage === undefined || telemetryAt === undefined) return undefined;
  return Math.max(0, telemetry.at - telemetry.usage.asOf) + Math.max(0, now - telemetryAt);
}

export interface FleetTotals {
  readonly costMicros: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly totalTokens: number;
  readonly activeSessions: number;
  /** Hosts with sessions that count. */
  readonly heard: number;
  /** Hosts whose cost and tokens count. */
  readonly counted: number;
  /** Hosts with figures too old to count. */
  readonly dropped: number;
}

/** Sums over hosts heard from within the hour. */
export function totalsOf(hosts: readonly HostView[], now: number): FleetTotals {
  const admitted = hosts.filter((host) => host.admission === "admitted" && host.telemetry !== undefined);
  const fresh = admitted.filter((host) => now - (host.telemetryAt ?? 0) <= DROPPED_SECONDS);
  const sum = (pick: (telemetry: NonNullable<HostView["telemetry"]>) => number) =>
    fresh.reduce((total, { telemetry }) => total + (telemetry === undefined ? 0 : pick(telemetry)), 0);
  return {
    costMicros: sum(({ usage }) => usage?.costMicros ?? 0),
    inputTokens: sum(({ usage }) => usage?.inputTokens ?? 0),
    outputTokens: sum(({ usage }) => usage?.outputTokens ?? 0),
    cacheReadTokens: sum(({ usage }) => usage?.cacheReadTokens ?? 0),
    totalTokens: sum(({ usage }) => usage?.totalTokens ?? 0),
    activeSessions: sum(({ sessions }) => sessions?.active ?? 0),
    heard: fresh.filter(({ telemetry }) => telemetry?.sessions !== undefined).length,
    counted: fresh.filter(({ telemetry }) => telemetry?.usage !== undefined).length,
    dropped: admitted.length - fresh.length,
  };
}

/**
 * What could be better about a gateway, each with the figure that says so and, where an operation mends it, the operation.
 * Pure: facts in, advice out; a fact that could not be seen gives no advice. The limits are ours and are shown beside each
 * figure, so that a person can disagree.
 */
import type { ReadResult } from "../../../../protocol/reads.ts";
import { LOCKED_EXEC } from "../lockdown.ts";
import { monthsBefore, releaseOf, supportOf } from "../versions-support.ts";

export type Advice = ReadResult<"gateway.advice@1">["advice"][number];
type Job = ReadResult<"gateway.jobs@1">["jobs"][number];
type Device = ReadResult<"gateway.devices@1">["devices"][number];
type Channel = ReadResult<"gateway.channels@1">["channels"][number];
type Share = ReadResult<"gateway.usage@1">["models"][number];

export interface SessionSize {
  readonly tag: string;
  readonly key: string;
  readonly tokens: number;
  /** What the model can take. */
  readonly limit: number;
}

/** One of the gateway's days. */
export interface DayFigures {
  readonly date: string;
  readonly tokens: number;
  readonly messages: number;
}

/** Undefined everywhere: could not be seen. */
export interface AdviceFacts {
  /** Host wall clock, seconds. */
  readonly now: number;
  readonly openListeners: number | undefined;
  readonly channels: readonly Channel[] | undefined;
  /** Neither the rules for commands nor the configuration make anybody be asked. */
  readonly commandsUnasked: boolean | undefined;
  readonly terminal: boolean | undefined;
  readonly autoPairing: boolean | undefined;
  readonly jobs: readonly Job[] | undefined;
  readonly devices: readonly Device[] | undefined;
  readonly sessions: readonly SessionSize[] | undefined;
  /** Of the last seven days. */
  readonly models: readonly Share[] | undefined;
  readonly tokens: { readonly input: number; readonly cacheRead: number } | undefined;
  /** Oldest first. */
  readonly days: readonly DayFigures[] | undefined;
  readonly drift: { readonly paths: number; readonly version: number } | undefined;
  readonly version: string | undefined;
  readonly memory: { readonly used: number; readonly total: number } | undefined;
}

/** As many as a reading shows; the urgent ones first. */
const MAX_ADVICE = 30;
/** Of one kind, so that fifty idle devices do not hide a failing job. */
const MAX_OF_A_KIND = 5;
const FAILURES_IN_A_ROW = 3;
const IDLE_DAYS = 30;
const DAY_SECONDS = 86_400;
/** Percent of what the model can take. */
const LARGE_SESSION_PERCENT = 70;
/** A model that takes this much of the cost with this little of the work. */
const COSTLY_PERCENT = 50;
const COSTLY_RATIO = 2;
/** Below a dollar in a week, cost is nobody's worry. */
const WORTH_MICROS = 1_000_000;
const COLD_PERCENT = 20;
/** Fewer tokens than this say nothing about a cache, and fewer messages nothing about a mean. */
const MEASURED_TOKENS = 200_000;
const MEASURED_MESSAGES = 20;
const GROWTH_PERCENT = 150;
const MEMORY_PERCENT = 60;
const OLD_MONTHS = 2;

const weights = { urgent: 0, worthwhile: 1, minor: 2 } as const;
type Rule = (facts: AdviceFacts) => readonly (Advice | undefined)[];

const lockdown = { operation: "gateway.lockdown@1", args: {} } as const;

/** Every id of the protocol has its rule. */
export const rules: Readonly<Record<Advice["id"], Rule>> = {
  exposed: ({ openListeners = 0 }) => [
    openListeners === 0
      ? undefined
      : {
          id: "exposed",
          weight: "urgent",
          figures: [{ name: "addresses beyond this machine", value: openListeners, limit: 0, unit: "addresses" }],
          remedy: { operation: "gateway.bind-loopback@1", args: {} },
        },
  ],
  open_channel: ({ channels = [] }) =>
    channels
      .filter(({ direct }) => direct === "open")
      .map(({ tag, name, account }) => ({
        id: "open_channel",
        weight: "urgent",
        about: account === undefined ? name : `${name} ${account}`.slice(0, 200),
        subject: tag,
        figures: [{ name: "accounts that anybody may write to", value: 1, limit: 0, unit: "accounts" }],
        remedy: { operation: "channel.tighten@1", args: { subject: tag, policy: "pairing" } },
      })),
  exec_unasked: ({ commandsUnasked }) => [
    commandsUnasked === true
      ? {
          id: "exec_unasked",
          weight: "worthwhile",
          figures: [{ name: "commands that are asked about", value: 0, unit: "percent" }],
          remedy: {
            operation: "exec.policy@1",
            args: { security: LOCKED_EXEC.security, ask: LOCKED_EXEC.ask, fallback: LOCKED_EXEC.askFallback },
          },
        }
      : undefined,
  ],
  terminal_on: ({ terminal }) => [
    terminal === true
      ? {
          id: "terminal_on",
          weight: "worthwhile",
          figures: [{ name: "terminals for administrators", value: 1, limit: 0, unit: "switches" }],
          remedy: lockdown,
        }
      : undefined,
  ],
  auto_pairing: ({ autoPairing }) => [
    autoPairing === true
      ? {
          id: "auto_pairing",
          weight: "worthwhile",
          figures: [{ name: "pairings that need nobody", value: 1, limit: 0, unit: "switches" }],
          remedy: lockdown,
        }
      : undefined,
  ],
  job_failing: ({ jobs = [] }) => jobs.map(failing),
  device_idle: ({ devices = [], now }) => devices.map((device) => idle(device, now)),
  session_large: ({ sessions = [] }) => sessions.map(large),
  model_costly: ({ models = [] }) => models.map((share) => costly(share, models)),
  cache_cold: ({ tokens }) => [tokens === undefined ? undefined : cold(tokens)],
  context_growing: ({ days = [] }) => [growing(days)],
  config_drifted: ({ drift }) => [
    drift === undefined || drift.paths === 0
      ? undefined
      : {
          id: "config_drifted",
          weight: "worthwhile",
          figures: [{ name: "settings that differ", value: drift.paths, limit: 0, unit: "settings" }],
          remedy: { operation: "config.rollback@1", args: { version: drift.version } },
        },
  ],
  version_old: ({ version }) => [version === undefined ? undefined : old(version)],
  memory_high: ({ memory }) => [memory === undefined ? undefined : full(memory)],
};

export function adviceOf(facts: AdviceFacts): Advice[] {
  const all = Object.values(rules).flatMap((rule) =>
    rule(facts)
      .filter((advice) => advice !== undefined)
      .slice(0, MAX_OF_A_KIND),
  );
  return all.toSorted((one, other) => weights[one.weight] - weights[other.weight]).slice(0, MAX_ADVICE);
}

function failing({ tag, name, enabled, failuresInARow = 0 }: Job): Advice | undefined {
  if (!enabled || failuresInARow < FAILURES_IN_A_ROW) return undefined;
  return {
    id: "job_failing",
    weight: "worthwhile",
    about: name,
    subject: tag,
    figures: [{ name: "failures in a row", value: failuresInARow, limit: FAILURES_IN_A_ROW, unit: "runs" }],
    remedy: { operation: "cron.disable@1", args: { subject: tag } },
  };
}

/** One that is connected, ours, or was never seen says nothing. */
function idle({ tag, name, connected, isOurs, lastSeenAt }: Device, now: number): Advice | undefined {
  const days = lastSeenAt === undefined ? 0 : Math.floor((now - lastSeenAt) / DAY_SECONDS);
  if (connected || isOurs || days < IDLE_DAYS) return undefined;
  return {
    id: "device_idle",
    weight: "minor",
    about: name,
    subject: tag,
    figures: [{ name: "not seen for", value: days, limit: IDLE_DAYS, unit: "days" }],
    remedy: { operation: "device.revoke@1", args: { subject: tag } },
  };
}

function large({ tag, key, tokens, limit }: SessionSize): Advice | undefined {
  const percent = percentOf(tokens, limit);
  if (percent < LARGE_SESSION_PERCENT) return undefined;
  return {
    id: "session_large",
    weight: "minor",
    about: key.slice(0, 200),
    subject: tag,
    figures: [
      { name: "of what the model can take", value: percent, limit: LARGE_SESSION_PERCENT, unit: "percent" },
      { name: "tokens", value: tokens, limit, unit: "tokens" },
    ],
    remedy: { operation: "session.compact@1", args: { subject: tag } },
  };
}

function costly({ tag, name, costMicros, totalTokens }: Share, all: readonly Share[]): Advice | undefined {
  const cost = sum(all, (share) => share.costMicros);
  const tokens = sum(all, (share) => share.totalTokens);
  const share = percentOf(costMicros, cost);
  const work = percentOf(totalTokens, tokens);
  if (cost < WORTH_MICROS || share < COSTLY_PERCENT || share < work * COSTLY_RATIO) return undefined;
  return {
    id: "model_costly",
    weight: "minor",
    about: name,
    subject: tag,
    figures: [
      { name: "of the cost of seven days", value: share, limit: COSTLY_PERCENT, unit: "percent" },
      { name: "of the tokens", value: work, unit: "percent" },
      { name: "cost", value: costMicros / 1_000_000, unit: "dollars" },
    ],
  };
}

function cold({ input, cacheRead }: NonNullable<AdviceFacts["tokens"]>): Advice | undefined {
  const percent = percentOf(cacheRead, input + cacheRead);
  if (input + cacheRead < MEASURED_TOKENS || percent >= COLD_PERCENT) return undefined;
  return {
    id: "cache_cold",
    weight: "minor",
    figures: [
      { name: "of the input from the cache", value: percent, limit: COLD_PERCENT, unit: "percent" },
      { name: "input of seven days", value: input + cacheRead, unit: "tokens" },
    ],
  };
}

/** Today's mean of a message against the days before. */
function growing(days: readonly DayFigures[]): Advice | undefined {
  const today = days.at(-1);
  const before = days.slice(0, -1);
  const messages = sum(before, (day) => day.messages);
  if (today === undefined || today.messages < MEASURED_MESSAGES || messages < MEASURED_MESSAGES) return undefined;
  const mean = sum(before, (day) => day.tokens) / messages;
  const now = today.tokens / today.messages;
  const percent = percentOf(now, mean);
  if (percent < GROWTH_PERCENT) return undefined;
  return {
    id: "context_growing",
    weight: "minor",
    figures: [
      { name: "of the days before", value: percent, limit: GROWTH_PERCENT, unit: "percent" },
      { name: "a message today", value: Math.round(now), unit: "tokens" },
      { name: "a message before", value: Math.round(mean), unit: "tokens" },
    ],
  };
}

function old(version: string): Advice | undefined {
  const release = releaseOf(version);
  if (release === undefined || supportOf(version) !== "older") return undefined;
  const months = monthsBefore(release);
  return {
    id: "version_old",
    weight: months >= OLD_MONTHS ? "urgent" : "worthwhile",
    about: version.slice(0, 200),
    figures: [{ name: "behind the version that is known", value: months, limit: 0, unit: "months" }],
  };
}

function full({ used, total }: NonNullable<AdviceFacts["memory"]>): Advice | undefined {
  const percent = percentOf(used, total);
  if (percent < MEMORY_PERCENT) return undefined;
  return {
    id: "memory_high",
    weight: "worthwhile",
    figures: [
      { name: "of this machine's memory", value: percent, limit: MEMORY_PERCENT, unit: "percent" },
      { name: "in use", value: used, unit: "bytes" },
    ],
    remedy: { operation: "gateway.restart@1", args: {} },
  };
}

function percentOf(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.floor((part / whole) * 100);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

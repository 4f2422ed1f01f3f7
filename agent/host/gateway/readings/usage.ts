/** Tokens and cost by model and by agent. The gateway computes them lazily, and how old they are is part of the answer. */
import type { ReadArgs, ReadResult } from "../../../../protocol/reads.ts";
import { ReadingError } from "../reading-error.ts";
import { modelNameOf } from "../shares.ts";
import { field } from "../wire.ts";
import type { Asking } from "./asking.ts";
import { count, micros, name, present, seconds } from "./shown.ts";

type Usage = ReadResult<"gateway.usage@1">;
type Share = Usage["models"][number];

const MAX_SHARES = 50;
/** A gateway with more models or agents than this is making them up. */
const MAX_ROWS = 1_000;
const DAY_MILLISECONDS = 86_400_000;

const freshness: Readonly<Record<string, Usage["freshness"]>> = {
  fresh: "fresh",
  refreshing: "refreshing",
  partial: "refreshing",
  stale: "stale",
};

export async function readUsageShares(asking: Asking, args: ReadArgs<"gateway.usage@1">): Promise<Usage> {
  const answer = await askUsage(asking, args.days);
  const aggregates = field(answer, "aggregates");
  const status = field(field(answer, "cacheStatus"), "status");
  const { tags } = asking.acting;
  return {
    at: asking.now,
    freshness:
      typeof status === "string" && Object.hasOwn(freshness, status) ? (freshness[status] ?? "stale") : "stale",
    models: sharesIn(aggregates, {
      key: "byModel",
      nameOf: modelNameOf,
      tag: (called) => tags.tag("model", called),
    }),
    agents: sharesIn(aggregates, {
      key: "byAgent",
      nameOf: (row) => name(field(row, "agentId")),
      tag: (called) => tags.tag("agent", called),
    }),
    ...present({ asOf: seconds(field(answer, "updatedAt")) }),
  };
}

/** Days end with the gateway's own today, as its `sessions.usage` counts them. */
export async function askUsage({ ask, deps }: Asking, days: number): Promise<unknown> {
  const daily = field(await ask("usage.cost", { days: 1, agentScope: "all", mode: "gateway" }), "daily");
  const today = Array.isArray(daily) ? field(daily.at(-1), "date") : undefined;
  const isDay = typeof today === "string" && /^\d{4}-\d{2}-\d{2}$/.test(today);
  const endDate = isDay ? today : dayOf(deps.now());
  const startDate = dayOf(Date.parse(`${endDate}T12:00:00Z`) - (days - 1) * DAY_MILLISECONDS);
  return ask("sessions.usage", { startDate, endDate, mode: "gateway", agentScope: "all", limit: 1 });
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

interface Part {
  readonly key: string;
  readonly nameOf: (row: unknown) => string | undefined;
  readonly tag: (called: string) => string;
}

/** The largest, by tokens. */
export function sharesIn(aggregates: unknown, { key, nameOf, tag }: Part): Share[] {
  const rows = field(aggregates, key);
  if (!Array.isArray(rows)) throw new ReadingError("gateway");
  return rows
    .slice(0, MAX_ROWS)
    .flatMap((row: unknown) => {
      const called = nameOf(row);
      return called === undefined ? [] : (shareOf(row, { called, tag: tag(called) }) ?? []);
    })
    .toSorted((one, other) => other.totalTokens - one.totalTokens)
    .slice(0, MAX_SHARES);
}

function shareOf(row: unknown, { called, tag }: { readonly called: string; readonly tag: string }): Share | undefined {
  const totals = field(row, "totals");
  const totalTokens = count(field(totals, "totalTokens"));
  if (totalTokens === undefined) return undefined;
  return {
    tag,
    name: called.slice(0, 200),
    inputTokens: count(field(totals, "input")) ?? 0,
    outputTokens: count(field(totals, "output")) ?? 0,
    totalTokens,
    costMicros: micros(field(totals, "totalCost")) ?? 0,
  };
}

/**
 * What one day cost by model and by agent, and how scheduled jobs ended: from a gateway's answers to numbers under this
 * host's short names. The answers hold titles and summaries; only what is named here is looked at. A lie of the wrong type or
 * size is left out.
 */
import * as v from "valibot";
import { sampleSchema, type Sample } from "../../../protocol/history.ts";
import { MAX_SHARES } from "../../../protocol/limits.ts";
import type { Tags } from "./tags.ts";
import { field } from "./wire.ts";

export interface Shares extends Pick<NonNullable<Sample["usage"]>, "models" | "agents"> {
  /** The gateway has computed all of it; otherwise it may say less than it will. */
  readonly isWhole: boolean;
}
export type JobOutcomes = NonNullable<Sample["jobs"]>;

/** A gateway with more models or agents than this is making them up. */
const MAX_ROWS = 1_000;
const MAX_NAME_CHARACTERS = 256;
const MICROS = 1_000_000;

const figure = sampleSchema.entries.sessions.wrapped;

/** A model as people and configurations write it. Undefined where the gateway names none. */
export function modelNameOf(row: unknown): string | undefined {
  const model = nameOf(field(row, "model"));
  const provider = nameOf(field(row, "provider"));
  return model === undefined || provider === undefined ? model : `${provider}/${model}`;
}

const nameOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" && value.length <= MAX_NAME_CHARACTERS ? value : undefined;

/** `sessions.usage` of one day. */
export function readShares(payload: unknown, tags: Tags): Shares | undefined {
  const aggregates = field(payload, "aggregates");
  const models = rowsOf(field(aggregates, "byModel"));
  const agents = rowsOf(field(aggregates, "byAgent"));
  if (models === undefined || agents === undefined) return undefined;
  return {
    isWhole: field(field(payload, "cacheStatus"), "status") === "fresh",
    models: largest(models, (row) => tagged(tags, "model", modelNameOf(row))),
    agents: largest(agents, (row) => tagged(tags, "agent", nameOf(field(row, "agentId")))),
  };
}

const tagged = (tags: Tags, kind: "model" | "agent", name: string | undefined): string | undefined =>
  name === undefined ? undefined : tags.tag(kind, name);

function rowsOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) && value.length <= MAX_ROWS ? value : undefined;
}

function largest(rows: readonly unknown[], tagOf: (row: unknown) => string | undefined): Shares["models"] {
  const shares: { tag: string; tokens: number; costMicros: number }[] = [];
  for (const row of rows) {
    const tag = tagOf(row);
    const totals = field(row, "totals");
    const tokens = field(totals, "totalTokens");
    const cost = field(totals, "totalCost");
    const costMicros = typeof cost === "number" ? Math.round(cost * MICROS) : undefined;
    if (tag === undefined || !v.is(figure, tokens) || !v.is(figure, costMicros)) continue;
    if (tokens > 0 || costMicros > 0) shares.push({ tag, tokens, costMicros });
  }
  return shares.toSorted((a, b) => b.tokens - a.tokens).slice(0, MAX_SHARES);
}

/** `cron.runs {scope: "all"}`: runs that ended after `since` and up to `until`, in milliseconds. */
export function readOutcomes(payload: unknown, since: number, until: number): JobOutcomes | undefined {
  const entries = rowsOf(field(payload, "entries"));
  if (entries === undefined) return undefined;
  let ok = 0;
  let failed = 0;
  for (const entry of entries) {
    const at = field(entry, "ts");
    if (typeof at !== "number" || at <= since || at > until || field(entry, "action") !== "finished") continue;
    const status = field(entry, "status");
    if (status === "ok") ok += 1;
    else if (status === "error") failed += 1; // a run that was skipped has no outcome
  }
  return { ok, failed };
}

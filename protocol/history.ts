/**
 * How figures become curves. A host notes one sample a minute and says them in batches; counters are those of the
 * gateway's day, so that a lost sample costs precision and no token. Models and agents are named by tags: what they are
 * called is read sealed. The edge rolls samples up and keeps each step for a stated time.
 */
import * as v from "valibot";
import { count, seconds, tag } from "./fields.ts";
import { MAX_SAMPLES, MAX_SHARES } from "./limits.ts";
import { gatewayStates } from "./telemetry.ts";

const figure = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1e15));

export const sampleSchema = v.strictObject({
  /** Host wall clock. */
  at: seconds,
  state: v.picklist(gatewayStates),
  /** First 16 hex characters of the SHA-256 of the boot id: another one is a restart. */
  boot: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/))),
  sessions: v.optional(figure),
  rssBytes: v.optional(figure),
  loopMs: v.optional(figure),
  /** Runs of scheduled jobs that ended since the sample before. */
  jobs: v.optional(v.strictObject({ ok: count, failed: count })),
  /** Counters of the gateway's day, which `day` names. */
  usage: v.optional(
    v.strictObject({
      day: v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}$/)),
      tokens: figure,
      costMicros: figure,
      /** The largest, by tokens. */
      models: v.pipe(v.array(v.strictObject({ tag, tokens: figure, costMicros: figure })), v.maxLength(MAX_SHARES)),
      agents: v.pipe(v.array(v.strictObject({ tag, tokens: figure, costMicros: figure })), v.maxLength(MAX_SHARES)),
    }),
  ),
});
export type Sample = v.InferOutput<typeof sampleSchema>;

/** In the order of time. */
export const samplesSchema = v.pipe(v.array(sampleSchema), v.minLength(1), v.maxLength(MAX_SAMPLES));

/** What can be asked for: how far back, in steps of which length, kept for how long. Seconds. */
export const historyRanges = {
  "1h": { seconds: 3_600, step: 60 },
  "6h": { seconds: 21_600, step: 300 },
  "24h": { seconds: 86_400, step: 900 },
  "7d": { seconds: 604_800, step: 3_600 },
  "30d": { seconds: 2_592_000, step: 21_600 },
  "90d": { seconds: 7_776_000, step: 86_400 },
} as const;
export type HistoryRange = keyof typeof historyRanges;
export const historyRangeNames = Object.keys(historyRanges) as readonly HistoryRange[];

/**
 * One step: what was used in it (not a counter), the mean and worst of what goes up and down. A step without a sample has
 * `samples` 0 and nothing else: a gap, never a zero.
 */
export const historyPoint = v.strictObject({
  /** Beginning of the step, edge and host clock alike. */
  at: seconds,
  samples: count,
  /** Samples in which the gateway was running. */
  up: count,
  restarts: count,
  tokens: figure,
  costMicros: figure,
  sessions: v.optional(figure),
  rssBytes: v.optional(figure),
  loopMs: v.optional(figure),
  loopMsWorst: v.optional(figure),
  jobsOk: count,
  jobsFailed: count,
  models: v.pipe(v.array(v.strictObject({ tag, tokens: figure, costMicros: figure })), v.maxLength(MAX_SHARES)),
  agents: v.pipe(v.array(v.strictObject({ tag, tokens: figure, costMicros: figure })), v.maxLength(MAX_SHARES)),
});
export type HistoryPoint = v.InferOutput<typeof historyPoint>;

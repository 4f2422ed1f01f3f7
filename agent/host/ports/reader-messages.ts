/**
 * What the reader says to the two that ask it, and they to it. To the link: telemetry and samples, which are closed schemas
 * of numbers and short codes. To the warden: answers of a few readings, held against each reading's own schema by whoever asked.
 * A reader in other hands lies in both and can do nothing else.
 */
import * as v from "valibot";
import { codec, count, operationName, seconds, someBytes } from "../../../protocol/fields.ts";
import { samplesSchema } from "../../../protocol/history.ts";
import { MAX_READING_PARTS, MAX_SAMPLES, READING_PART_BYTES } from "../../../protocol/limits.ts";
import { readRefusals } from "../../../protocol/reading.ts";
import { telemetrySchema } from "../../../protocol/telemetry.ts";
import type { PortLimits } from "./port.ts";

/** JSON, in base64url: gateway's words are in it, with characters that our messages do not carry. */
const jsonBytes = (maxBytes: number) => someBytes(maxBytes);
const MAX_ARGUMENT_BYTES = 8_192;
const MAX_ANSWER_BYTES = MAX_READING_PARTS * READING_PART_BYTES;

// ---- the warden asks ----

const askSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("read"),
    request: count,
    operation: operationName,
    args: jsonBytes(MAX_ARGUMENT_BYTES),
  }),
  /** How many sessions run, for the person who reads the dialog. */
  v.strictObject({ kind: v.literal("figures"), request: count }),
]);
export type Ask = v.InferOutput<typeof askSchema>;
export const askCodec = codec(askSchema);

const answerSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("answer"), request: count, content: jsonBytes(MAX_ANSWER_BYTES) }),
  v.strictObject({ kind: v.literal("failed"), request: count, code: v.picklist(readRefusals) }),
  v.strictObject({ kind: v.literal("figures"), request: count, activeSessions: v.optional(count) }),
]);
export type Answer = v.InferOutput<typeof answerSchema>;
export const answerCodec = codec(answerSchema);

const BASE64_AROUND_BYTES = 512;
const inBase64 = (bytes: number): number => Math.ceil((bytes * 4) / 3) + BASE64_AROUND_BYTES;
/** The edge's own rate of readings. */
const READS_PER_MINUTE = 1_200;

export const askLimits: PortLimits<Ask> = {
  bytes: inBase64(MAX_ARGUMENT_BYTES),
  kinds: {
    read: { bytes: inBase64(MAX_ARGUMENT_BYTES), perMinute: READS_PER_MINUTE },
    figures: { bytes: 128, perMinute: 12_000 }, // one for each prepare
  },
  kindOf: ({ kind }) => kind,
};

export const answerLimits: PortLimits<Answer> = {
  bytes: inBase64(MAX_ANSWER_BYTES),
  kinds: {
    answer: { bytes: inBase64(MAX_ANSWER_BYTES), perMinute: READS_PER_MINUTE },
    failed: { bytes: 128, perMinute: READS_PER_MINUTE },
    figures: { bytes: 128, perMinute: 12_000 },
  },
  kindOf: ({ kind }) => kind,
};

// ---- the link listens ----

const listenSchema = v.variant("kind", [
  /** Samples after a time. */
  v.strictObject({ kind: v.literal("samples"), after: seconds }),
]);
export type Listen = v.InferOutput<typeof listenSchema>;
export const listenCodec = codec(listenSchema);

const toldSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("telemetry"), telemetry: telemetrySchema }),
  v.strictObject({ kind: v.literal("samples"), samples: samplesSchema }),
]);
export type Told = v.InferOutput<typeof toldSchema>;
export const toldCodec = codec(toldSchema);

export const listenLimits: PortLimits<Listen> = {
  bytes: 128,
  kinds: { samples: { bytes: 128, perMinute: 60 } },
  kindOf: ({ kind }) => kind,
};

/** A sample with all its models and agents. */
const SAMPLE_BYTES = 4_096;
export const toldLimits: PortLimits<Told> = {
  bytes: MAX_SAMPLES * SAMPLE_BYTES,
  kinds: {
    telemetry: { bytes: 4_096, perMinute: 600 }, // a gateway that moves all the time; the link itself says two a second
    samples: { bytes: MAX_SAMPLES * SAMPLE_BYTES, perMinute: 60 },
  },
  kindOf: ({ kind }) => kind,
};

/** Far ends that follow the activity log live: signed webhooks, at least once, in order, from a cursor that they can move. */
import * as v from "valibot";
import { deliveryFaults } from "../alerts.ts";
import { count, id, label, seconds } from "../fields.ts";
import { exportFormats } from "../ledger.ts";
import { MAX_STREAMS, MAX_TARGET_CHARACTERS } from "../limits.ts";
import { WEBHOOK_SECRET } from "./alerts.ts";
import { approvedChange } from "./edge-action.ts";
import { empty, ok, type Endpoint } from "./endpoint.ts";
import { ledgerFilterSchema } from "./ledger.ts";

const url = v.pipe(v.string(), v.maxLength(MAX_TARGET_CHARACTERS), v.regex(/^https:\/\/[\x21-\x7e]+$/));
const secret = v.pipe(v.string(), v.regex(WEBHOOK_SECRET));

export const streamChangeSchema = v.variant("setting", [
  v.strictObject({
    setting: v.literal("streamAdd"),
    label,
    url,
    secret,
    format: v.picklist(exportFormats),
    filter: ledgerFilterSchema,
    /** The first entry that is sent; 0: from now on. */
    from: count,
  }),
  /** The old secret signs beside the new one for a day. */
  v.strictObject({ setting: v.literal("streamRotate"), stream: id, secret }),
  /** Sends again from this entry on. */
  v.strictObject({ setting: v.literal("streamRewind"), stream: id, from: v.pipe(count, v.minValue(1)) }),
  v.strictObject({ setting: v.literal("streamPause"), stream: id }),
  v.strictObject({ setting: v.literal("streamResume"), stream: id }),
  v.strictObject({ setting: v.literal("streamRemove"), stream: id }),
]);
export type StreamChange = v.InferOutput<typeof streamChangeSchema>;

export const streamRowSchema = v.strictObject({
  stream: id,
  label,
  /** Only the name of the far end; address and secret never come back. */
  to: v.pipe(v.string(), v.maxLength(255)),
  format: v.picklist(exportFormats),
  filter: ledgerFilterSchema,
  since: seconds,
  state: v.picklist(["live", "waiting", "paused"]),
  /** Everything up to here has arrived, or was set aside. */
  cursor: count,
  /** Newest entry of the log. */
  head: count,
  lastSentAt: v.optional(seconds),
  /** Of the attempt that made it wait; and when the next one is. */
  fault: v.optional(v.picklist(deliveryFaults)),
  attempts: count,
  retryAt: v.optional(seconds),
  /** Until when the old secret signs too. */
  overlapUntil: v.optional(seconds),
  setAside: v.array(v.strictObject({ first: count, last: count, fault: v.picklist(deliveryFaults), at: seconds })),
});
export type StreamRow = v.InferOutput<typeof streamRowSchema>;

const streamsSchema = v.strictObject({
  streams: v.pipe(v.array(streamRowSchema), v.maxLength(MAX_STREAMS)),
  now: seconds,
});

export const streamEndpoints = {
  streams: {
    method: "GET",
    path: "/api/streams",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: false, why: "reads settings without their secrets" },
    response: streamsSchema,
  },
  streamChange: {
    method: "POST",
    path: "/api/streams",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: true, why: "decides who gets a copy of the log, and where the edge may send to" },
    request: approvedChange(streamChangeSchema),
    response: streamsSchema,
  },
  streamTest: {
    method: "POST",
    path: "/api/streams/:stream/test",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: false, why: "sends one fixed sentence to where a touch said that entries go" },
    request: empty,
    response: v.strictObject({ fault: v.optional(v.picklist(deliveryFaults)) }),
  },
  /** Everything that was set aside, in order, before anything new. */
  streamReplay: {
    method: "POST",
    path: "/api/streams/:stream/replay",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: false, why: "sends again what a touch said is sent there" },
    request: empty,
    response: ok,
  },
} as const satisfies Record<string, Endpoint>;

/** The activity log: its entries, what proves them, who witnesses it, how long it is kept, who looks at it now. */
import * as v from "valibot";
import { count, digest, id, seconds, someBytes } from "../fields.ts";
import { erasableSchema, ledgerActions } from "../ledger.ts";
import {
  MAX_CHECKPOINTS_LISTED,
  MAX_ENTRIES_PER_PAGE,
  MAX_ENTRY_BYTES,
  MAX_NOTE_BYTES,
  MAX_PROOF_HASHES,
} from "../limits.ts";
import { signedSchema } from "../messages.ts";
import { approvedChange } from "./edge-action.ts";
import { NO_WRITE, ok, opening, type Endpoint } from "./endpoint.ts";

const position = v.strictObject({ index: count, hash: digest });
/** A signed note (note.ts) as bytes of its text. */
const note = someBytes(MAX_NOTE_BYTES);
export const hashesSchema = v.pipe(v.array(digest), v.maxLength(MAX_PROOF_HASHES));

export const activityRowSchema = v.strictObject({
  index: count,
  /** Canonical bytes of the entry. */
  body: someBytes(MAX_ENTRY_BYTES),
  hash: digest,
  /** Openings of commitments, where not erased. */
  source: v.optional(opening),
  country: v.optional(opening),
  device: v.optional(opening),
  /** For `command.receipt`: the host's signed receipt itself. */
  receipt: v.optional(signedSchema),
});
export type ActivityRow = v.InferOutput<typeof activityRowSchema>;

/** What entries are asked for; each is a query parameter of `activity`, and part of an export. Absent: all. */
export const ledgerFilterSchema = v.strictObject({
  /** Edge clock, seconds; the first included, the last not. */
  since: v.optional(seconds),
  until: v.optional(seconds),
  /** Id of the person, host or automation key; or `edge`, `unknown`. */
  actor: v.optional(id),
  /** Exactly this one. */
  action: v.optional(v.picklist(ledgerActions)),
  /** Acted or was acted on. */
  host: v.optional(id),
});
export type LedgerFilter = v.InferOutput<typeof ledgerFilterSchema>;

/** An entry that stands alone: with what proves it under a checkpoint, instead of its neighbours. */
export const provenRowSchema = v.strictObject({ row: activityRowSchema, inclusion: hashesSchema });
export type ProvenRow = v.InferOutput<typeof provenRowSchema>;

export const segmentSchema = v.strictObject({
  n: v.pipe(count, v.minValue(1)),
  /** Indices, both included. */
  first: count,
  last: count,
  /** Digest of its last entry. */
  hash: digest,
  sealedAt: seconds,
  /** Edge clock of its newest entry, seconds. */
  newest: seconds,
  /** SHA-256 of the export that was taken of exactly this segment. */
  exported: v.optional(digest),
  droppedAt: v.optional(seconds),
});
export type Segment = v.InferOutput<typeof segmentSchema>;

/** HIPAA: 45 CFR 164.316(b)(2)(i), six years. PCI DSS 4.0, 10.5.1: twelve months, three of them at hand. */
export const retentionPresets = { hipaa: 2_192, pci: 365 } as const;
const retentionDays = v.pipe(count, v.minValue(90), v.maxValue(36_500));
export const retentionChangeSchema = v.variant("setting", [
  v.strictObject({ setting: v.literal("ledgerRetention"), days: retentionDays }),
  v.strictObject({ setting: v.literal("ledgerRetentionOff") }),
  /** `exported`: of the file that whoever approves has verified and keeps. */
  v.strictObject({ setting: v.literal("ledgerDropSegment"), n: v.pipe(count, v.minValue(1)), exported: digest }),
]);
export type RetentionChange = v.InferOutput<typeof retentionChangeSchema>;

export const retentionSchema = v.strictObject({
  /** Absent: everything is kept. */
  days: v.optional(retentionDays),
  segments: v.array(segmentSchema),
  /** First entry that is neither sealed nor dropped. */
  openFrom: count,
});
export type Retention = v.InferOutput<typeof retentionSchema>;

export const checkpointsSchema = v.strictObject({
  /** Newest first; each note carries the ledger key's signature and every cosignature of that size. */
  checkpoints: v.pipe(v.array(v.strictObject({ note, at: seconds })), v.maxLength(MAX_CHECKPOINTS_LISTED)),
  /** For each host the newest that it cosigned, also when it is older than those. */
  witnesses: v.array(v.strictObject({ host: id, note, at: seconds })),
  /** The writer does not sign: what it finds in storage is not what it signed, or what a host has seen. */
  refused: v.optional(
    v.strictObject({
      since: seconds,
      reason: v.picklist(["smaller", "different"]),
      held: v.strictObject({ size: count, root: digest }),
      shown: v.strictObject({ size: count, root: digest }),
      /** The host that has seen more; absent: the writer itself. */
      host: v.optional(id),
    }),
  ),
  now: seconds,
});
export type Checkpoints = v.InferOutput<typeof checkpointsSchema>;

export const lookingSchema = v.strictObject({
  /** Sessions that asked for something within the last minute. */
  people: v.array(v.strictObject({ person: id, sessions: count, lastSeenAt: seconds })),
  now: seconds,
});
export type Looking = v.InferOutput<typeof lookingSchema>;

const ledgerRead = { access: "session", permission: "ledger.read", touch: NO_WRITE } as const;

export const ledgerEndpoints = {
  /**
   * Query: `after` (oldest first) or `before` (newest first), `limit`, and the members of a filter. Without a filter the
   * rows are neighbours and form a chain. With one, each comes with its proof under `checkpoint`, and `scanned` says how
   * far was looked: there may be more beyond.
   */
  activity: {
    ...ledgerRead,
    method: "GET",
    path: "/api/activity",
    response: v.strictObject({
      rows: v.pipe(v.array(activityRowSchema), v.maxLength(MAX_ENTRIES_PER_PAGE)),
      head: position,
      /** One for each row, in order; with a filter only. Rows newer than the checkpoint have an empty one. */
      inclusion: v.optional(v.array(hashesSchema)),
      checkpoint: v.optional(note),
      scanned: v.optional(count),
      /** What lies at or before this index was sealed and dropped. */
      droppedTo: v.optional(count),
    }),
  },
} as const satisfies Record<string, Endpoint>;

export const checkpointEndpoints = {
  /** One entry, its proof, and the checkpoint that covers it, with cosignatures. */
  entryProof: {
    ...ledgerRead,
    method: "GET",
    path: "/api/activity/:index/proof",
    response: v.strictObject({ ...provenRowSchema.entries, checkpoint: note }),
  },
  checkpoints: { ...ledgerRead, method: "GET", path: "/api/checkpoints", response: checkpointsSchema },
  /** Query: `from` and `to`, sizes. */
  consistency: {
    ...ledgerRead,
    method: "GET",
    path: "/api/checkpoints/consistency",
    response: v.strictObject({ consistency: hashesSchema }),
  },
} as const satisfies Record<string, Endpoint>;

export const lookingEndpoints = {
  looking: { ...ledgerRead, method: "GET", path: "/api/looking", response: lookingSchema },
} as const satisfies Record<string, Endpoint>;

export const eraseEndpoints = {
  erase: {
    method: "POST",
    path: "/api/activity/erase",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: true, why: "a personal value is gone for ever; that it was erased stays" },
    request: approvedChange(erasableSchema),
    response: ok,
  },
} as const satisfies Record<string, Endpoint>;

export const keepingEndpoints = {
  retention: { ...ledgerRead, method: "GET", path: "/api/retention", response: retentionSchema },
  retentionChange: {
    method: "POST",
    path: "/api/retention",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: true, why: "entries of a dropped segment are gone here; their hashes stay" },
    request: approvedChange(retentionChangeSchema),
    response: retentionSchema,
  },
} as const satisfies Record<string, Endpoint>;

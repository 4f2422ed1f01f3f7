/**
 * A copy of the log as a file: one line of canonical JSON each, in an order that a reader can check while it reads and
 * with nothing but the workspace's id. `log` first, then `trust`, `checkpoint`, at most one `before`, the entries, at most
 * one `after`, and `end`: a file that was cut has none. What people signed stands behind the entry that accepted it, at
 * once or later; a reader need not remember it for ever.
 */
import * as v from "valibot";
import { provenRowSchema, activityRowSchema, hashesSchema, ledgerFilterSchema } from "./contracts/ledger.ts";
import { codec, count, digest, id, someBytes, version } from "./fields.ts";
import { MAX_ENVELOPE_BYTES, MAX_NOTE_BYTES } from "./limits.ts";
import { trustPageSchema } from "./trust/statements.ts";

const lineSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("log"),
    v: version,
    workspace: digest,
    /** Entries are neighbours (`chain`), or each stands alone with its proof (`proven`). */
    form: v.picklist(["chain", "proven"]),
    /** What was asked for, where that was not everything. */
    filter: v.optional(ledgerFilterSchema),
    segment: v.optional(count),
  }),
  /** From the root on; as many as it takes. */
  v.strictObject({ kind: v.literal("trust"), page: trustPageSchema }),
  /**
   * Signed note, as bytes of its text; the first covers every entry of the file. More may follow, of smaller sizes: what
   * hosts have cosigned so far. In a chain their roots are computed on the way; elsewhere each brings what proves that the
   * first one's log begins with its own.
   */
  v.strictObject({
    kind: v.literal("checkpoint"),
    note: someBytes(MAX_NOTE_BYTES),
    consistency: v.optional(hashesSchema),
  }),
  /**
   * What stands before the first entry and is not in the file: its last entry's digest, and one hash for each complete
   * subtree of the tree of that size (merkle.ts, frontierNodes).
   */
  v.strictObject({
    kind: v.literal("before"),
    index: v.pipe(count, v.minValue(1)),
    hash: digest,
    frontier: hashesSchema,
    /** True where a policy dropped it; otherwise it was simply not asked for. */
    dropped: v.boolean(),
  }),
  v.strictObject({ kind: v.literal("entry"), row: activityRowSchema }),
  /** Where a chain ends before its checkpoint does: that the checkpoint's tree begins with the tree of these entries. */
  v.strictObject({ kind: v.literal("after"), index: v.pipe(count, v.minValue(1)), consistency: hashesSchema }),
  v.strictObject({ kind: v.literal("proven"), ...provenRowSchema.entries }),
  /** Canonical bytes of the Submission that a person signed, for an accepted command of the file. */
  v.strictObject({ kind: v.literal("evidence"), intent: digest, host: id, submission: someBytes(MAX_ENVELOPE_BYTES) }),
  /** How many lines stand before this one. */
  v.strictObject({ kind: v.literal("end"), lines: count }),
]);
export type LedgerLine = v.InferOutput<typeof lineSchema>;
export const ledgerLineCodec = codec(lineSchema);

/** No line is longer; a reader may refuse what is. Characters without the line end. */
export const MAX_LEDGER_LINE = 262_144;
/** Checkpoints of smaller sizes in one file, because each costs a reader signatures; one that has more passes over them. */
export const MAX_EARLIER_CHECKPOINTS = 128;

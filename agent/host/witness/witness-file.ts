/**
 * What this host has seen of the activity log, in one small file: the newest checkpoint that proved to follow from the one
 * before, its own cosignature, and whatever contradicted it. Whole on disk before anything is said of it; a file that
 * cannot be read stops the agent, because a witness that forgot would believe whatever it is shown next.
 */
import * as v from "valibot";
import { MalformedError } from "../../../protocol/canonical.ts";
import type { Checkpoint } from "../../../protocol/checkpoint.ts";
import { count, seconds } from "../../../protocol/fields.ts";
import { MAX_FRAME_NOTE_BYTES } from "../../../protocol/limits.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { HostError } from "../host-error.ts";
import { readPrivateFile } from "../private-file.ts";
import { unverifiedCheckpoint } from "./notes.ts";

/** Two pasts are two pasts: more examples add nothing, and the edge must not fill the disk with them. */
export const MAX_CONFLICTS_PER_REASON = 2;
/** Two for each reason. */
const MAX_CONFLICTS = 8;

/** A signed note as text. */
const note = v.pipe(v.string(), v.maxLength(MAX_FRAME_NOTE_BYTES));

const conflictSchema = v.strictObject({
  reason: v.picklist(["signature", "smaller", "different", "inconsistent"]),
  held: v.optional(note),
  shown: note,
  /** Host wall clock, seconds. */
  at: seconds,
});
export type Conflict = v.InferOutput<typeof conflictSchema>;

const recordSchema = v.strictObject({
  v: v.literal(1),
  /** The newest checkpoint, with the log key's line alone, and when it was stored. */
  held: v.optional(v.strictObject({ note, at: seconds })),
  /** The newest that this host cosigned: often the one that it holds. The note carries both lines. */
  cosigned: v.optional(v.strictObject({ size: count, note, at: seconds })),
  /** Own receipts up to this number are proven to be in what is held. */
  provenTo: count,
  /** Nothing is cosigned until this receipt is proven to be in the log: it was not, when its time was over. */
  withheld: v.optional(count),
  /** What contradicted what was held. Only the owner of this machine makes it forget. */
  conflicts: v.pipe(v.array(conflictSchema), v.maxLength(MAX_CONFLICTS)),
  /** The owner did; said to the edge until it has shown a checkpoint again. `note`: what was forgotten. */
  reset: v.optional(v.strictObject({ at: seconds, note: v.optional(note) })),
  /** After that: what was receipted before is not insisted on. */
  forgives: v.optional(v.literal(true)),
});
export type WitnessRecord = v.InferOutput<typeof recordSchema>;

const NOTHING: WitnessRecord = { v: 1, provenTo: 0, conflicts: [] };

/** Size of what a record holds; 0 for nothing. */
export function heldSize(record: WitnessRecord): number {
  return heldCheckpoint(record)?.size ?? 0;
}

export function heldCheckpoint({ held }: WitnessRecord): Checkpoint | undefined {
  return held === undefined ? undefined : unverifiedCheckpoint(held.note);
}

/** Undefined where this host never held one. Does not keep what it read. @throws {HostError} */
export function readWitnessRecord(path: string): WitnessRecord | undefined {
  const text = readPrivateFile(path);
  if (text === undefined) return undefined;
  try {
    const record = v.parse(recordSchema, JSON.parse(text));
    heldCheckpoint(record);
    return record;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof v.ValiError || error instanceof MalformedError)) throw error;
    throw new HostError(
      "witness_damaged",
      `${path} does not say any more what this host has seen of the activity log, so it does not start. Restore the file from a backup, or let the host witness anew: clawhold audit reset`,
      { cause: error },
    );
  }
}

export class WitnessFile {
  readonly #path: string;
  /** As on disk. */
  #record: WitnessRecord;

  private constructor(path: string, record: WitnessRecord) {
    this.#path = path;
    this.#record = record;
  }

  /** The caller holds the lock of the state directory. @throws {HostError} */
  static open(path: string): WitnessFile {
    return new WitnessFile(path, readWitnessRecord(path) ?? NOTHING);
  }

  get record(): WitnessRecord {
    return this.#record;
  }

  /**
   * Durable when it returns true. False, and nothing written, when the file holds another size than the one that the
   * caller judged by: somebody else writes here. Throws what the disk throws.
   */
  replace(sizeRead: number, next: WitnessRecord): boolean {
    const onDisk = readWitnessRecord(this.#path) ?? NOTHING;
    if (heldSize(onDisk) !== sizeRead) {
      this.#record = onDisk;
      return false;
    }
    writeFileAtomically(this.#path, `${JSON.stringify(next)}\n`);
    this.#record = next;
    return true;
  }

  /** Of the running agent, for its owner. */
  forget(at: number): WitnessRecord | undefined {
    const before = forgetWitness(this.#path, at);
    this.#record = readWitnessRecord(this.#path) ?? NOTHING;
    return before;
  }
}

/**
 * Forgets what was held and what contradicted it; returns what that was. Asks nobody whether it may, and works on a damaged
 * file too. The caller holds the lock, or is the agent.
 */
export function forgetWitness(path: string, at: number): WitnessRecord | undefined {
  let before: WitnessRecord | undefined;
  try {
    before = readWitnessRecord(path);
  } catch (error) {
    if (!(error instanceof HostError) || error.code !== "witness_damaged") throw error;
  }
  const forgotten = before?.cosigned?.note ?? before?.held?.note ?? before?.reset?.note;
  const reset = { at, ...(forgotten === undefined ? {} : { note: forgotten }) };
  const next: WitnessRecord = { ...NOTHING, reset, forgives: true };
  writeFileAtomically(path, `${JSON.stringify(next)}\n`);
  return before;
}

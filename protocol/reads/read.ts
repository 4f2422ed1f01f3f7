/** What one row of the table of reads says, and the fields that readings share. All text in a reading is the gateway's own. */
import * as v from "valibot";
import { count, digest, seconds, tag } from "../fields.ts";
import type { OperationName } from "../operations.ts";
import type { Permission } from "../roles.ts";

/** What a read grant may name; a read with a kind needs one. */
export const contentKinds = ["logs", "config", "transcripts", "jobs", "agents"] as const;
export type ContentKind = (typeof contentKinds)[number];

export interface Read {
  readonly permission: Permission;
  /** Absent: metadata, which asks for no touch. */
  readonly content?: ContentKind;
  /** What the edge sees of the question: names of things are tags. */
  readonly args: v.GenericSchema;
  /**
   * What the question holds and the edge may not read: `args.content`, canonical JSON of `schema`, sealed to the key of the
   * host's `prepared` for the command `with`, whose challenge is in `args.challenge`.
   */
  readonly sealed?: { readonly with: OperationName; readonly schema: v.GenericSchema };
  /** What is inside the seal: JSON of this. */
  readonly result: v.GenericSchema;
  /** Completes "reads …". */
  readonly what: string;
}

export const noArguments = v.strictObject({});
export { count, digest, seconds, tag };

/** Text of a hostile program: any characters, shown with the deceptive ones made visible. */
export const text = (characters: number) => v.pipe(v.string(), v.maxLength(characters));
/** At most so many; `more` beside a list says that the gateway had others. */
export const list = <S extends v.GenericSchema>(item: S, length: number) => v.pipe(v.array(item), v.maxLength(length));
/** Millionths of a US dollar. */
export const micros = count;

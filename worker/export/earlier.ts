/**
 * Which smaller checkpoints a copy brings: those under which admitted hosts stand, one note of each size with all of them,
 * the newest first, and never more than a reader takes. Names are looked at, not signatures: whoever reads the copy verifies them. Pure.
 */
import type { StoredCheckpoint } from "../../durable-objects/db/checkpoint-table.ts";
import { witnessName } from "../../protocol/checkpoint.ts";
import { MAX_EARLIER_CHECKPOINTS } from "../../protocol/ledger-file.ts";
import { MAX_NOTE_SIGNATURES } from "../../protocol/limits.ts";
import { decodeNote, encodeNote, type Note } from "../../protocol/note.ts";

type Sized = Pick<StoredCheckpoint, "size" | "note">;

export interface EarlierInput {
  readonly workspace: string;
  /** Of the trust log; a host that was removed counts for nobody who reads the copy. */
  readonly hosts: Iterable<{ readonly id: string }>;
  /** Of the first entry of the copy: what was cosigned before it cannot be held against it. */
  readonly first: number;
  /** Of the checkpoint that covers the copy. */
  readonly size: number;
}

export function earlierCheckpoints(candidates: readonly Sized[], input: EarlierInput): readonly Sized[] {
  const { workspace, hosts, first, size } = input;
  const names = new Set([...hosts].map(({ id }) => witnessName(workspace, id)));
  const bySize = new Map<number, Note>();
  for (const one of candidates) {
    if (one.size < first || one.size >= size) continue;
    const note = decodeNote(one.note);
    if (!note.signatures.some(({ name }) => names.has(name))) continue;
    const held = bySize.get(one.size);
    bySize.set(one.size, held === undefined ? note : withLinesOf(held, note, names));
  }
  return [...bySize]
    .toSorted(([a], [b]) => b - a)
    .slice(0, MAX_EARLIER_CHECKPOINTS)
    .map(([of, note]) => ({ size: of, note: encodeNote(note) }));
}

/** A host's own newest note has its line alone. Another text is another past: that is not for a copy to settle. */
function withLinesOf(held: Note, { text, signatures }: Note, names: ReadonlySet<string>): Note {
  if (text !== held.text) return held;
  const known = new Set(held.signatures.map(({ name }) => name));
  const more = signatures.filter(({ name }) => names.has(name) && !known.has(name));
  return { text, signatures: [...held.signatures, ...more].slice(0, MAX_NOTE_SIGNATURES) };
}

/** Which entries a copy holds. */
import type { LedgerDetail } from "../../protocol/ledger.ts";
import { problem } from "../http/problems.ts";
import type { LedgerBooks } from "../ledger-books.ts";

export interface ExportRange {
  /** Indices, both included. */
  readonly first: number;
  readonly last: number;
}

export type SealedSegment = NonNullable<LedgerDetail["segment"]>;

/** Everything that is there, up to the checkpoint that covers it. `size`: of the checkpoint, absent where none is signed. */
export async function rangeOf({ reader }: LedgerBooks, size: number | undefined): Promise<ExportRange> {
  const [oldest] = await reader.oldestAfter(0, 1);
  // What a policy dropped is not there any more.
  return { first: oldest?.idx ?? 1, last: size ?? (await reader.head()).index };
}

/** Exactly one sealed segment that is still here. @throws {ProblemError} `segment_unknown` */
export async function requireSegment({ segments }: LedgerBooks, n: number): Promise<SealedSegment> {
  const sealed = await segments.find(n);
  if (sealed === undefined || sealed.movedAt === null || sealed.droppedAt !== null) throw problem("segment_unknown");
  const { first, last, hash } = sealed;
  return { n, first, last, hash };
}

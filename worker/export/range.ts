/** Which entries a copy holds. */
import { problem } from "../http/problems.ts";
import type { LedgerBooks } from "../ledger-books.ts";

export interface ExportRange {
  /** Indices, both included. */
  readonly first: number;
  readonly last: number;
}

/**
 * Everything that is there, up to the checkpoint that covers it; or one sealed segment. `size`: of the checkpoint, absent
 * where none is signed. @throws {ProblemError} `segment_unknown`
 */
export async function rangeOf(
  { reader }: LedgerBooks,
  { segment, size }: { readonly segment: number | undefined; readonly size: number | undefined },
): Promise<ExportRange> {
  if (segment !== undefined) throw problem("segment_unknown");
  const [oldest] = await reader.oldestAfter(0, 1);
  // What a policy dropped is not there any more.
  return { first: oldest?.idx ?? 1, last: size ?? (await reader.head()).index };
}

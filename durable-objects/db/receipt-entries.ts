/**
 * Where hosts' receipts are in a workspace's ledger: entries exactly as stored, in the open table or in a sealed segment.
 * Says nothing about their truth.
 */
import { segmentOf, type Env } from "../env.ts";

export interface ReceiptEntry {
  readonly index: number;
  /** Canonical JSON. */
  readonly body: string;
}

export interface ReceiptEntriesInput {
  readonly workspace: string;
  readonly digests: readonly string[];
  /** Index of the newest entry that counts. */
  readonly upTo: number;
}

/** As the writer names what it writes once (ledger-batch.ts, subjectKey). */
const SUBJECT = "command.receipt:";

/** By digest of the receipt, for those that are entries. */
export async function receiptEntries(
  env: Pick<Env, "DB" | "SEGMENT">,
  { workspace, digests, upTo }: ReceiptEntriesInput,
): Promise<ReadonlyMap<string, ReceiptEntry>> {
  if (digests.length === 0) return new Map();
  const [open, held] = await env.DB.batch([
    env.DB.prepare(
      "SELECT subject, idx, body FROM ledger WHERE workspace = ?1 AND subject IN (SELECT value FROM json_each(?2))",
    ).bind(workspace, JSON.stringify(digests.map((digest) => SUBJECT + digest))),
    env.DB.prepare(
      `SELECT n FROM ledger_segments
       WHERE workspace = ?1 AND moved_at IS NOT NULL AND dropped_at IS NULL ORDER BY n DESC`,
    ).bind(workspace),
  ]);
  const rows = (open?.results ?? []) as { readonly subject: string; readonly idx: number; readonly body: string }[];
  const found = new Map(
    rows.map(({ subject, idx, body }): [string, ReceiptEntry] => [subject.slice(SUBJECT.length), { index: idx, body }]),
  );
  // Nearly always nothing is left: hosts ask for what they did lately.
  for (const { n } of (held?.results ?? []) as { readonly n: number }[]) {
    const missing = digests.filter((digest) => !found.has(digest));
    if (missing.length === 0) break;
    for (const { digest, index, body } of await segmentOf(env, workspace, n).receiptEntries(missing))
      found.set(digest, { index, body });
  }
  return new Map([...found].filter(([, { index }]) => index <= upTo));
}

/** Where hosts' receipts are in a workspace's ledger: entries exactly as stored. Says nothing about their truth. */

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
  binding: D1Database,
  { workspace, digests, upTo }: ReceiptEntriesInput,
): Promise<ReadonlyMap<string, ReceiptEntry>> {
  if (digests.length === 0) return new Map();
  const { results } = await binding
    .prepare(
      `SELECT subject, idx, body FROM ledger
       WHERE workspace = ?1 AND idx <= ?3 AND subject IN (SELECT value FROM json_each(?2))`,
    )
    .bind(workspace, JSON.stringify(digests.map((digest) => SUBJECT + digest)), upTo)
    .all<{ readonly subject: string; readonly idx: number; readonly body: string }>();
  return new Map(results.map(({ subject, idx, body }) => [subject.slice(SUBJECT.length), { index: idx, body }]));
}

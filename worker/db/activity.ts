/** Reads the ledger for people: bodies as stored, openings of commitments, receipts. Never writes. */
import { and, asc, desc, eq, gt, inArray, lt } from "drizzle-orm";
import { ledger, ledgerValues, receipts, type ReceiptRecord } from "../../migrations/schema.ts";
import type { Database } from "../../durable-objects/db/database.ts";

/** `after`: oldest first, to walk the chain. Otherwise newest first, older than `before` if given. */
export interface ActivityRange {
  readonly after?: number;
  readonly before?: number;
  readonly limit: number;
}

export type LedgerRecord = typeof ledger.$inferSelect;

export async function readLedger(
  db: Database,
  workspace: string,
  { after, before, limit }: ActivityRange,
): Promise<readonly LedgerRecord[]> {
  const bounds = [
    eq(ledger.workspace, workspace),
    ...(after === undefined ? [] : [gt(ledger.idx, after)]),
    ...(before === undefined ? [] : [lt(ledger.idx, before)]),
  ];
  return db
    .select()
    .from(ledger)
    .where(and(...bounds))
    .orderBy(after === undefined ? desc(ledger.idx) : asc(ledger.idx))
    .limit(limit);
}

export async function readLedgerHead(
  db: Database,
  workspace: string,
): Promise<{ readonly index: number; readonly hash: string } | undefined> {
  const [row] = await readLedger(db, workspace, { limit: 1 });
  return row === undefined ? undefined : { index: row.idx, hash: row.hash };
}

/** Openings of the `source` commitments of entries `first` to `last`, by index. */
export async function readSources(
  db: Database,
  workspace: string,
  { first, last }: { readonly first: number; readonly last: number },
): Promise<ReadonlyMap<number, { readonly salt: string; readonly value: string }>> {
  const rows = await db
    .select()
    .from(ledgerValues)
    .where(
      and(
        eq(ledgerValues.workspace, workspace),
        eq(ledgerValues.field, "source"),
        gt(ledgerValues.idx, first - 1),
        lt(ledgerValues.idx, last + 1),
      ),
    );
  return new Map(rows.map(({ idx, salt, value }) => [idx, { salt, value }]));
}

export interface Opening {
  readonly salt: string;
  readonly value: string;
}

/** The same of entries here and there. */
export async function readSourcesOf(
  db: Database,
  workspace: string,
  indices: readonly number[],
): Promise<ReadonlyMap<number, Opening>> {
  const found = new Map<number, Opening>();
  for (let i = 0; i < indices.length; i += DIGESTS_PER_QUERY) {
    const rows = await db
      .select()
      .from(ledgerValues)
      .where(
        and(
          eq(ledgerValues.workspace, workspace),
          eq(ledgerValues.field, "source"),
          inArray(ledgerValues.idx, indices.slice(i, i + DIGESTS_PER_QUERY)),
        ),
      );
    for (const { idx, salt, value } of rows) found.set(idx, { salt, value });
  }
  return found;
}

/** A statement takes at most 100 bound parameters. */
const DIGESTS_PER_QUERY = 90;

export async function readReceipts(
  db: Database,
  workspace: string,
  digests: readonly string[],
): Promise<ReadonlyMap<string, ReceiptRecord>> {
  const found = new Map<string, ReceiptRecord>();
  for (let i = 0; i < digests.length; i += DIGESTS_PER_QUERY) {
    const group = digests.slice(i, i + DIGESTS_PER_QUERY);
    const rows = await db
      .select()
      .from(receipts)
      .where(and(eq(receipts.workspace, workspace), inArray(receipts.digest, group)));
    for (const row of rows) found.set(row.digest, row);
  }
  return found;
}

/**
 * The ledger's rows in D1. Whole batches travel as one JSON parameter each, because a statement takes at most 100
 * bound parameters; plain SQL, because the query builder has no words for that.
 */
import type { ChainPosition } from "../../protocol/ledger.ts";
import type { ReceiptRecord } from "../../migrations/schema.ts";
import type { Batch } from "../ledger-batch.ts";

interface PositionRow {
  readonly idx: number;
  readonly hash: string;
}

const INSERT_ROWS = `INSERT INTO ledger (workspace, idx, body, previous, hash, subject)
  SELECT ?1, value ->> 'idx', value ->> 'body', value ->> 'previous', value ->> 'hash', value ->> 'subject'
  FROM json_each(?2) ORDER BY key`;
const INSERT_VALUES = `INSERT INTO ledger_values (workspace, idx, field, salt, value)
  SELECT ?1, value ->> 'idx', value ->> 'field', value ->> 'salt', value ->> 'value' FROM json_each(?2)`;
/** The signed bytes beside the entry that names them. Again with the same receipt: nothing. */
const INSERT_RECEIPTS = `INSERT INTO receipts (workspace, digest, intent, host, number, body, signature)
  SELECT value ->> 'workspace', value ->> 'digest', value ->> 'intent', value ->> 'host', value ->> 'number',
    value ->> 'body', value ->> 'signature' FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`;

/** The table's own word that a batch does not continue its chain, or that it holds one of the subjects already. */
export function isChainRefusal(error: unknown): boolean {
  return error instanceof Error && error.message.includes("ledger_chain");
}

export class LedgerTable {
  readonly workspace: string;
  readonly #binding: D1Database;

  constructor(binding: D1Database, workspace: string) {
    this.#binding = binding;
    this.workspace = workspace;
  }

  async head(): Promise<ChainPosition | undefined> {
    const row = await this.#binding
      .prepare("SELECT idx, hash FROM ledger WHERE workspace = ?1 ORDER BY idx DESC LIMIT 1")
      .bind(this.workspace)
      .first<PositionRow>();
    return row === null ? undefined : { index: row.idx, hash: row.hash };
  }

  /** Where entries with these subjects are, for those that exist. */
  async positionsOf(subjects: readonly string[]): Promise<ReadonlyMap<string, ChainPosition>> {
    if (subjects.length === 0) return new Map();
    const { results } = await this.#binding
      .prepare(
        "SELECT subject, idx, hash FROM ledger WHERE workspace = ?1 AND subject IN (SELECT value FROM json_each(?2))",
      )
      .bind(this.workspace, JSON.stringify(subjects))
      .all<PositionRow & { readonly subject: string }>();
    return new Map(results.map(({ subject, idx, hash }) => [subject, { index: idx, hash }]));
  }

  async holds({ index, hash }: ChainPosition): Promise<boolean> {
    const row = await this.#binding
      .prepare("SELECT hash FROM ledger WHERE workspace = ?1 AND idx = ?2")
      .bind(this.workspace, index)
      .first<{ readonly hash: string }>();
    return row?.hash === hash;
  }

  /** Digests of the entries after `index`, as far as there are some without a gap. */
  async hashesAfter(index: number, limit: number): Promise<readonly string[]> {
    const { results } = await this.#binding
      .prepare("SELECT idx, hash FROM ledger WHERE workspace = ?1 AND idx > ?2 ORDER BY idx LIMIT ?3")
      .bind(this.workspace, index, limit)
      .all<PositionRow>();
    const gap = results.findIndex(({ idx }, i) => idx !== index + 1 + i);
    return (gap === -1 ? results : results.slice(0, gap)).map(({ hash }) => hash);
  }

  /** All rows, openings and receipts, or none. */
  async insert({ rows, values }: Batch, receipts: readonly ReceiptRecord[]): Promise<void> {
    const statements = [this.#binding.prepare(INSERT_ROWS).bind(this.workspace, JSON.stringify(rows))];
    if (values.length > 0) {
      statements.push(this.#binding.prepare(INSERT_VALUES).bind(this.workspace, JSON.stringify(values)));
    }
    if (receipts.length > 0) statements.push(this.#binding.prepare(INSERT_RECEIPTS).bind(JSON.stringify(receipts)));
    await this.#binding.batch(statements);
  }
}

/**
 * What a sealed segment keeps in its object's own SQLite: its task, the rows it has taken, and how far their chain and
 * tree are. Synchronous; takes what it is given, the mover has checked it.
 */
import * as v from "valibot";
import type { LedgerFilter } from "../../protocol/contracts/ledger.ts";
import { count, digest } from "../../protocol/fields.ts";
import type { PersonalField } from "../../protocol/ledger.ts";
import {
  conditionsOf,
  type Beside,
  type LedgerRecord,
  type Page,
  type ReceiptRow,
  type Span,
  type ValueRow,
} from "../db/ledger-rows.ts";

const taskSchema = v.strictObject({
  workspace: digest,
  n: count,
  /** Indices, both included. */
  first: count,
  last: count,
  /** Digests of the entry before the first, and of the last. */
  before: digest,
  hash: digest,
  /** A checkpoint of at least that size, as the writer remembers it: what the rows must be a part of. */
  signed: v.strictObject({ size: count, root: digest }),
});
export type SegmentTask = v.InferOutput<typeof taskSchema>;

/**
 * `copying`: rows are taken. `held`: all are here and checked, the open table still has some. `done`: it has none.
 * `dropping`: nothing is read any more, and everything goes.
 */
const stages = ["copying", "held", "done", "dropping"] as const;
export type SegmentStage = (typeof stages)[number];

/** Where the copy stands: the last row taken, and the tree that ends in it. */
const progressSchema = v.strictObject({ index: count, hash: digest, frontier: v.array(digest) });
export type Progress = v.InferOutput<typeof progressSchema>;

export interface SegmentState {
  readonly task: SegmentTask;
  readonly stage: SegmentStage;
  /** Undefined: nothing is taken yet. */
  readonly progress: Progress | undefined;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS segment (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  task TEXT NOT NULL,
  stage TEXT NOT NULL,
  progress TEXT
);
CREATE TABLE IF NOT EXISTS entries (idx INTEGER PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS openings (
  idx INTEGER NOT NULL,
  field TEXT NOT NULL,
  salt TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (idx, field)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erased (idx INTEGER NOT NULL, field TEXT NOT NULL, PRIMARY KEY (idx, field)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipts (
  digest TEXT PRIMARY KEY NOT NULL,
  body TEXT NOT NULL,
  signature TEXT NOT NULL,
  idx INTEGER
) WITHOUT ROWID;`;

type Row<T> = Record<string, SqlStorageValue> & T;

export interface SegmentPage extends Beside {
  readonly records: readonly LedgerRecord[];
}

export interface ValuePlace {
  readonly index: number;
  readonly field: PersonalField;
}

export class SegmentRows {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(SCHEMA);
  }

  // ---- the task ----

  state(): SegmentState | undefined {
    const [row] = this.#sql
      .exec<Row<{ task: string; stage: string; progress: string | null }>>("SELECT task, stage, progress FROM segment")
      .toArray();
    if (row === undefined) return undefined;
    return {
      task: v.parse(taskSchema, JSON.parse(row.task)),
      stage: v.parse(v.picklist(stages), row.stage),
      progress: row.progress === null ? undefined : v.parse(progressSchema, JSON.parse(row.progress)),
    };
  }

  /** From the beginning; what was taken before is forgotten, what was erased is not. */
  begin(task: SegmentTask): void {
    this.#storage.transactionSync(() => {
      for (const table of ["entries", "openings", "receipts"]) this.#sql.exec(`DELETE FROM ${table}`);
      this.#sql.exec("INSERT OR REPLACE INTO segment VALUES (1, ?, 'copying', NULL)", JSON.stringify(task));
    });
  }

  setStage(stage: SegmentStage): void {
    this.#sql.exec("UPDATE segment SET stage = ?", stage);
  }

  /** Rows, what belongs to them, and where that leads: all or nothing. */
  take({ records, values, receipts }: SegmentPage, progress: Progress, cameWith: ReadonlyMap<string, number>): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        `INSERT INTO entries (idx, body, hash)
         SELECT value ->> 'idx', value ->> 'body', value ->> 'hash' FROM json_each(?)`,
        JSON.stringify(records),
      );
      this.#sql.exec(
        `INSERT INTO openings (idx, field, salt, value)
         SELECT j.value ->> 'idx', j.value ->> 'field', j.value ->> 'salt', j.value ->> 'value' FROM json_each(?) AS j
         WHERE NOT EXISTS (SELECT 1 FROM erased AS e WHERE e.idx = j.value ->> 'idx' AND e.field = j.value ->> 'field')`,
        JSON.stringify(values),
      );
      this.#sql.exec(
        `INSERT INTO receipts (digest, body, signature, idx)
         SELECT value ->> 'digest', value ->> 'body', value ->> 'signature', value ->> 'idx' FROM json_each(?)
         WHERE true ON CONFLICT DO NOTHING`,
        JSON.stringify(receipts.map((receipt) => ({ ...receipt, idx: cameWith.get(receipt.digest) ?? null }))),
      );
      this.#sql.exec("UPDATE segment SET progress = ?", JSON.stringify(progress));
    });
  }

  // ---- reading ----

  records(filter: LedgerFilter, { after, before }: Span, { order, limit }: Page): readonly LedgerRecord[] {
    const { sql, values } = conditionsOf(filter, 4);
    return this.#sql
      .exec<Row<LedgerRecord>>(
        `SELECT idx, body, hash FROM entries WHERE idx > ?1 AND idx < ?2${sql} ORDER BY idx ${order} LIMIT ?3`,
        after,
        before,
        limit,
        ...values,
      )
      .toArray();
  }

  values(indices: readonly number[]): readonly ValueRow[] {
    return this.#sql
      .exec<Row<ValueRow>>(
        "SELECT idx, field, salt, value FROM openings WHERE idx IN (SELECT value FROM json_each(?))",
        JSON.stringify(indices),
      )
      .toArray();
  }

  receipts(digests: readonly string[]): readonly ReceiptRow[] {
    return this.#sql
      .exec<Row<ReceiptRow>>(
        "SELECT digest, body, signature FROM receipts WHERE digest IN (SELECT value FROM json_each(?))",
        JSON.stringify(digests),
      )
      .toArray();
  }

  /** Digests of those that came with these entries. */
  receiptsOf({ after, before }: Span): readonly string[] {
    return this.#sql
      .exec<{ digest: string }>(
        `SELECT r.digest AS digest FROM entries AS e JOIN receipts AS r ON r.digest = e.body ->> '$.detail.receipt'
         WHERE e.idx > ? AND e.idx < ? AND r.idx = e.idx`,
        after,
        before,
      )
      .toArray()
      .map(({ digest: one }) => one);
  }

  /** The entries that brought these receipts. */
  receiptEntries(digests: readonly string[]): readonly { digest: string; index: number; body: string }[] {
    return this.#sql
      .exec<Row<{ digest: string; index: number; body: string }>>(
        `SELECT r.digest AS digest, e.idx AS "index", e.body AS body FROM receipts AS r JOIN entries AS e ON e.idx = r.idx
         WHERE r.digest IN (SELECT value FROM json_each(?))`,
        JSON.stringify(digests),
      )
      .toArray();
  }

  // ---- erasing ----

  holdsValue({ index, field }: ValuePlace): boolean {
    return this.#sql.exec("SELECT 1 FROM openings WHERE idx = ? AND field = ?", index, field).toArray().length > 0;
  }

  /** Remembered, because a page that was read before may still bring it. */
  eraseValue({ index, field }: ValuePlace): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec("INSERT OR IGNORE INTO erased VALUES (?, ?)", index, field);
      this.#sql.exec("DELETE FROM openings WHERE idx = ? AND field = ?", index, field);
    });
  }

  /** Everything that was ever here. */
  async clear(): Promise<void> {
    await this.#storage.deleteAll();
    this.#sql.exec(SCHEMA);
  }
}

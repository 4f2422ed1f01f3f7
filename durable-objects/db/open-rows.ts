/** The open table as a segment is taken out of it: pages of rows with all that belongs to them, and their removal. */
import type { SegmentTask } from "../segment/segment-rows.ts";
import type { LedgerRecord, ReceiptRow, Span, ValueRow } from "./ledger-rows.ts";

const ROWS = "SELECT idx, body, hash FROM ledger WHERE workspace = ?1 AND idx > ?2 AND idx < ?3 ORDER BY idx";
const VALUES = "SELECT idx, field, salt, value FROM ledger_values WHERE workspace = ?1 AND idx > ?2 AND idx < ?3";
/** Every receipt that one of the entries names; a body that is no JSON names none. */
const RECEIPTS = `SELECT DISTINCT r.digest, r.body, r.signature FROM ledger AS l
  JOIN receipts AS r ON r.workspace = l.workspace
    AND r.digest = CASE WHEN json_valid(l.body) THEN l.body ->> '$.detail.receipt' END
  WHERE l.workspace = ?1 AND l.idx > ?2 AND l.idx < ?3`;

const DELETE_RECEIPTS = `DELETE FROM receipts WHERE workspace = ?1 AND digest IN (SELECT value FROM json_each(?2))
  AND EXISTS (SELECT 1 FROM ledger AS l WHERE l.workspace = ?1 AND l.subject = 'command.receipt:' || digest AND l.idx < ?3)`;
const DELETE_VALUES = "DELETE FROM ledger_values WHERE workspace = ?1 AND idx > ?2 AND idx < ?3";
const DELETE_ROWS = "DELETE FROM ledger WHERE workspace = ?1 AND idx > ?2 AND idx < ?3";

export interface OpenPage {
  readonly records: readonly LedgerRecord[];
  readonly values: readonly ValueRow[];
  readonly receipts: readonly ReceiptRow[];
}

export class OpenRows {
  readonly #binding: D1Database;
  readonly #workspace: string;

  constructor(binding: D1Database, { workspace }: Pick<SegmentTask, "workspace">) {
    this.#binding = binding;
    this.#workspace = workspace;
  }

  /** One moment of the database. */
  async page({ after, before }: Span): Promise<OpenPage> {
    const [rows, values, receipts] = await this.#binding.batch([
      this.#over(ROWS, { after, before }),
      this.#over(VALUES, { after, before }),
      this.#over(RECEIPTS, { after, before }),
    ]);
    return {
      records: (rows?.results ?? []) as LedgerRecord[],
      values: (values?.results ?? []) as ValueRow[],
      receipts: (receipts?.results ?? []) as ReceiptRow[],
    };
  }

  /** Index of the first that is still there, up to `last`. */
  async firstUpTo(last: number): Promise<number | undefined> {
    const row = await this.#binding
      .prepare("SELECT idx FROM ledger WHERE workspace = ?1 AND idx <= ?2 ORDER BY idx LIMIT 1")
      .bind(this.#workspace, last)
      .first<{ readonly idx: number }>();
    return row?.idx;
  }

  /** Together, receipts before the entries that brought them: the triggers want to see those. */
  async remove({ after, before }: Span, receipts: readonly string[]): Promise<void> {
    await this.#binding.batch([
      this.#binding.prepare(DELETE_RECEIPTS).bind(this.#workspace, JSON.stringify(receipts), before),
      this.#over(DELETE_VALUES, { after, before }),
      this.#over(DELETE_ROWS, { after, before }),
    ]);
  }

  #over(sql: string, { after, before }: Span): D1PreparedStatement {
    return this.#binding.prepare(sql).bind(this.#workspace, after, before);
  }
}

/**
 * Reads a workspace's ledger: bodies exactly as stored, openings of commitments where they were not erased, receipts; from
 * the open table, and from the objects of sealed segments, without whoever asks noticing. Nothing is said about their
 * truth, and nothing is written. Everybody who reads entries reads them here.
 */
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import type { ActivityRow, LedgerFilter } from "../../protocol/contracts/ledger.ts";
import { CHAIN_START, personalFields, type ChainPosition, type PersonalField } from "../../protocol/ledger.ts";
import { MAX_ENTRIES_SCANNED } from "../../protocol/limits.ts";
import type { Signed } from "../../protocol/messages.ts";
import { segmentOf, type Env } from "../env.ts";
import {
  conditionsOf,
  receiptNamed,
  type Beside,
  type LedgerRecord,
  type Opening,
  type Page,
  type Span,
  type ValueRow,
  type ReceiptRow,
} from "./ledger-rows.ts";

export type { LedgerRecord, Opening } from "./ledger-rows.ts";

type Openings = { readonly [F in PersonalField]?: Opening };

export interface Matches {
  /** Newest first. */
  readonly records: readonly LedgerRecord[];
  /** Every entry from here on was looked at; 1: all. */
  readonly scanned: number;
}

/** A sealed segment whose object has its rows, or had them. */
interface MovedSegment {
  readonly n: number;
  /** Indices, both included. */
  readonly first: number;
  readonly last: number;
  readonly dropped_at: number | null;
}

/** What one place knows of a span; `rest` is to be asked for elsewhere. */
interface Part {
  readonly records: readonly LedgerRecord[];
  readonly rest: Span | undefined;
}

/** The last entry that is in a segment. In the same moment as the rows, so that none is missed while they move. */
const MOVED_TO = `coalesce((SELECT last FROM ledger_segments WHERE workspace = ?1 AND moved_at IS NOT NULL
  ORDER BY n DESC LIMIT 1), 0)`;
const MOVED = "SELECT n, first, last, dropped_at FROM ledger_segments WHERE workspace = ?1 AND moved_at IS NOT NULL";
const COLUMNS = "SELECT idx, body, hash FROM ledger WHERE workspace = ?1 AND idx < ?3";
/** Those that were dropped are stepped over. */
const STILL_HELD = `${MOVED} AND dropped_at IS NULL`;
/** Oldest first: while there is a segment to be read, the open table has nothing to say yet. */
const OPEN = {
  ASC: `${COLUMNS} AND idx > max(?2, ${MOVED_TO}) AND NOT EXISTS (${STILL_HELD} AND last > ?2)`,
  DESC: `${COLUMNS} AND idx > max(?2, ${MOVED_TO})`,
} as const satisfies Record<Page["order"], string>;

export class LedgerReader {
  readonly workspace: string;
  readonly #env: Pick<Env, "DB" | "SEGMENT">;

  constructor(env: Pick<Env, "DB" | "SEGMENT">, workspace: string) {
    this.#env = env;
    this.workspace = workspace;
  }

  async head(): Promise<ChainPosition> {
    const row = await this.#env.DB.prepare(
      "SELECT idx, hash FROM ledger WHERE workspace = ?1 ORDER BY idx DESC LIMIT 1",
    )
      .bind(this.workspace)
      .first<Pick<LedgerRecord, "idx" | "hash">>();
    return row === null ? CHAIN_START : { index: row.idx, hash: row.hash };
  }

  async entry(index: number): Promise<LedgerRecord | undefined> {
    const found = await this.filtered({}, { after: index - 1, before: index + 1 }, { order: "ASC", limit: 1 });
    return found.find(({ idx }) => idx === index);
  }

  /** Oldest first, as a verifier walks. */
  oldestAfter(after: number, limit: number): Promise<readonly LedgerRecord[]> {
    return this.filtered({}, { after, before: Number.MAX_SAFE_INTEGER }, { order: "ASC", limit });
  }

  newestBefore(before: number, limit: number): Promise<readonly LedgerRecord[]> {
    return this.filtered({}, { after: 0, before }, { order: "DESC", limit });
  }

  /** Entries that a filter lets through, newest first. Bounded by what is looked at, not only by what is found. */
  async matching(
    filter: LedgerFilter,
    { before, limit }: { readonly before: number; readonly limit: number },
  ): Promise<Matches> {
    const after = Math.max(0, before - 1 - MAX_ENTRIES_SCANNED);
    const records = await this.filtered(filter, { after, before }, { order: "DESC", limit });
    const last = records.at(-1);
    return { records, scanned: records.length === limit && last !== undefined ? last.idx : after + 1 };
  }

  async filtered(filter: LedgerFilter, span: Span, { order, limit }: Page): Promise<readonly LedgerRecord[]> {
    const found: LedgerRecord[] = [];
    let rest: Span | undefined = span;
    while (rest !== undefined && rest.after + 1 < rest.before && found.length < limit) {
      const part: Part = await this.#part(filter, rest, { order, limit: limit - found.length });
      found.push(...part.records);
      ({ rest } = part);
    }
    return found;
  }

  /** The last entry that was sealed and dropped; 0: none. */
  async droppedTo(): Promise<number> {
    const row = await this.#env.DB.prepare(
      "SELECT max(last) AS last FROM ledger_segments WHERE workspace = ?1 AND dropped_at IS NOT NULL",
    )
      .bind(this.workspace)
      .first<{ readonly last: number | null }>();
    return row?.last ?? 0;
  }

  /** The rows as readers are given them: with openings, and with the receipts that entries name. */
  async describe(records: readonly LedgerRecord[]): Promise<readonly ActivityRow[]> {
    if (records.length === 0) return [];
    const receiptOf = new Map<number, string>();
    for (const record of records) {
      const receipt = receiptNamed(record);
      if (receipt !== undefined) receiptOf.set(record.idx, receipt);
    }
    const beside = await this.#beside(
      records.map(({ idx }) => idx),
      receiptOf,
    );
    const openings = openingsOf(beside.values);
    const receipts = new Map<string, Signed>(
      beside.receipts.map(({ digest, body, signature }) => [digest, { body, signature }]),
    );
    return records.map(({ idx, body, hash }) => {
      const receipt = receipts.get(receiptOf.get(idx) ?? "");
      return {
        index: idx,
        body: toBase64url(utf8(body)),
        hash,
        ...openings.get(idx),
        ...(receipt === undefined ? {} : { receipt }),
      };
    });
  }

  /** Of the commitments of these entries, where not erased. */
  async openings(indices: readonly number[]): Promise<ReadonlyMap<number, Openings>> {
    if (indices.length === 0) return new Map();
    return openingsOf((await this.#beside(indices, new Map())).values);
  }

  // ---- where entries are ----

  async #part(filter: LedgerFilter, span: Span, page: Page): Promise<Part> {
    const { DB } = this.#env;
    const { sql, values } = conditionsOf(filter, 5);
    const nearest =
      page.order === "ASC"
        ? DB.prepare(`${STILL_HELD} AND last > ?2 ORDER BY n LIMIT 1`).bind(this.workspace, span.after)
        : DB.prepare(`${MOVED} AND first < ?2 ORDER BY n DESC LIMIT 1`).bind(this.workspace, span.before);
    const open = DB.prepare(`${OPEN[page.order]}${sql} ORDER BY idx ${page.order} LIMIT ?4`);
    const [moved, rows] = await DB.batch([
      nearest,
      open.bind(this.workspace, span.after, span.before, page.limit, ...values),
    ]);
    const [segment] = (moved?.results ?? []) as MovedSegment[];
    const records = (rows?.results ?? []) as LedgerRecord[];
    if (segment === undefined) return { records, rest: undefined };
    if (page.order === "ASC") {
      const within = { after: span.after, before: Math.min(span.before, segment.last + 1) };
      return {
        records: await this.#ofSegment(segment.n, { filter, span: within, ...page }),
        rest: { after: segment.last, before: span.before },
      };
    }
    // Newest first: what lies above the segment was just read, and the segment comes next.
    if (span.before > segment.last + 1) return { records, rest: { after: span.after, before: segment.last + 1 } };
    if (segment.dropped_at !== null) return { records: [], rest: undefined }; // and everything before it
    const within = { after: Math.max(span.after, segment.first - 1), before: span.before };
    return {
      records: await this.#ofSegment(segment.n, { filter, span: within, ...page }),
      rest: { after: span.after, before: segment.first },
    };
  }

  async #ofSegment(
    n: number,
    question: Page & { readonly filter: LedgerFilter; readonly span: Span },
  ): Promise<readonly LedgerRecord[]> {
    return segmentOf(this.#env, this.workspace, n).records(question);
  }

  /** `receiptOf`: digests of receipts by the entries that name them. */
  async #beside(indices: readonly number[], receiptOf: ReadonlyMap<number, string>): Promise<Beside> {
    const { DB } = this.#env;
    const [oldest, newest] = [Math.min(...indices), Math.max(...indices)];
    const [moved, values, receipts] = await DB.batch([
      DB.prepare(`${STILL_HELD} AND last >= ?2 AND first <= ?3 ORDER BY n`).bind(this.workspace, oldest, newest),
      DB.prepare(
        `SELECT idx, field, salt, value FROM ledger_values
         WHERE workspace = ?1 AND idx IN (SELECT value FROM json_each(?2))`,
      ).bind(this.workspace, JSON.stringify(indices)),
      DB.prepare(
        `SELECT digest, body, signature FROM receipts
         WHERE workspace = ?1 AND digest IN (SELECT value FROM json_each(?2))`,
      ).bind(this.workspace, JSON.stringify([...receiptOf.values()])),
    ]);
    const ofSegments = await Promise.all(
      ((moved?.results ?? []) as MovedSegment[]).map(({ n, first, last }) => {
        const within = indices.filter((index) => index >= first && index <= last);
        return segmentOf(this.#env, this.workspace, n).beside(
          within,
          within.flatMap((index) => receiptOf.get(index) ?? []),
        );
      }),
    );
    // While rows leave the open table both may have them: what was erased is in neither.
    const moving = ((moved?.results ?? []) as MovedSegment[]).at(-1)?.last ?? 0;
    const open = ((values?.results ?? []) as ValueRow[]).filter(({ idx }) => idx > moving);
    return {
      values: [...open, ...ofSegments.flatMap((one) => one.values)],
      receipts: [...((receipts?.results ?? []) as ReceiptRow[]), ...ofSegments.flatMap((one) => one.receipts)],
    };
  }
}

function openingsOf(values: readonly ValueRow[]): ReadonlyMap<number, Openings> {
  const found = new Map<number, Openings>();
  for (const { idx, field, salt, value } of values)
    if (personalFields.includes(field)) found.set(idx, { ...found.get(idx), [field]: { salt, value } });
  return found;
}

/**
 * Reads a workspace's ledger: bodies exactly as stored, openings of commitments where they were not erased, receipts.
 * Nothing is said about their truth, and nothing is written. Everybody who reads entries reads them here.
 */
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { ActivityRow, LedgerFilter } from "../../protocol/contracts/ledger.ts";
import {
  CHAIN_START,
  entryCodec,
  personalFields,
  type ChainPosition,
  type PersonalField,
} from "../../protocol/ledger.ts";
import { MAX_ENTRIES_SCANNED } from "../../protocol/limits.ts";
import type { Signed } from "../../protocol/messages.ts";

export interface LedgerRecord {
  readonly idx: number;
  /** Canonical JSON. */
  readonly body: string;
  readonly hash: string;
}

export interface Opening {
  readonly salt: string;
  readonly value: string;
}
type Openings = { readonly [F in PersonalField]?: Opening };

/** Indices, not included. */
export interface Span {
  readonly after: number;
  readonly before: number;
}

export interface Matches {
  /** Newest first. */
  readonly records: readonly LedgerRecord[];
  /** Every entry from here on was looked at; 1: all. */
  readonly scanned: number;
}

interface ValueRow extends Opening {
  readonly idx: number;
  readonly field: PersonalField;
}

const COLUMNS = "SELECT idx, body, hash FROM ledger WHERE workspace = ?1";

export class LedgerReader {
  readonly workspace: string;
  readonly #binding: D1Database;

  constructor(binding: D1Database, workspace: string) {
    this.#binding = binding;
    this.workspace = workspace;
  }

  async head(): Promise<ChainPosition> {
    const row = await this.#binding
      .prepare("SELECT idx, hash FROM ledger WHERE workspace = ?1 ORDER BY idx DESC LIMIT 1")
      .bind(this.workspace)
      .first<Pick<LedgerRecord, "idx" | "hash">>();
    return row === null ? CHAIN_START : { index: row.idx, hash: row.hash };
  }

  async entry(index: number): Promise<LedgerRecord | undefined> {
    return (await this.oldestAfter(index - 1, 1)).find(({ idx }) => idx === index);
  }

  /** Oldest first, as a verifier walks. */
  async oldestAfter(after: number, limit: number): Promise<readonly LedgerRecord[]> {
    const { results } = await this.#binding
      .prepare(`${COLUMNS} AND idx > ?2 ORDER BY idx LIMIT ?3`)
      .bind(this.workspace, after, limit)
      .all<LedgerRecord>();
    return results;
  }

  async newestBefore(before: number, limit: number): Promise<readonly LedgerRecord[]> {
    const { results } = await this.#binding
      .prepare(`${COLUMNS} AND idx < ?2 ORDER BY idx DESC LIMIT ?3`)
      .bind(this.workspace, before, limit)
      .all<LedgerRecord>();
    return results;
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

  async filtered(
    filter: LedgerFilter,
    { after, before }: Span,
    { order, limit }: { readonly order: "ASC" | "DESC"; readonly limit: number },
  ): Promise<readonly LedgerRecord[]> {
    const { conditions, values } = conditionsOf(filter);
    const { results } = await this.#binding
      .prepare(
        `${COLUMNS} AND idx > ?2 AND idx < ?3${conditions.map((one) => ` AND ${one}`).join("")} ORDER BY idx ${order} LIMIT ?4`,
      )
      .bind(this.workspace, after, before, limit, ...values)
      .all<LedgerRecord>();
    return results;
  }

  /** The rows as readers are given them: with openings, and with the receipts that entries name. */
  async describe(records: readonly LedgerRecord[]): Promise<readonly ActivityRow[]> {
    if (records.length === 0) return [];
    const receiptOf = new Map(records.flatMap((record) => receiptNamed(record)));
    const [openings, receipts] = await Promise.all([
      this.openings(records.map(({ idx }) => idx)),
      this.#receipts([...receiptOf.values()]),
    ]);
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
    const { results } = await this.#binding
      .prepare(
        `SELECT idx, field, salt, value FROM ledger_values
         WHERE workspace = ?1 AND idx IN (SELECT value FROM json_each(?2))`,
      )
      .bind(this.workspace, JSON.stringify(indices))
      .all<ValueRow>();
    const found = new Map<number, Openings>();
    for (const { idx, field, salt, value } of results)
      if (personalFields.includes(field)) found.set(idx, { ...found.get(idx), [field]: { salt, value } });
    return found;
  }

  async #receipts(digests: readonly string[]): Promise<ReadonlyMap<string, Signed>> {
    if (digests.length === 0) return new Map();
    const { results } = await this.#binding
      .prepare(
        `SELECT digest, body, signature FROM receipts
         WHERE workspace = ?1 AND digest IN (SELECT value FROM json_each(?2))`,
      )
      .bind(this.workspace, JSON.stringify(digests))
      .all<Signed & { readonly digest: string }>();
    return new Map(results.map(({ digest, body, signature }) => [digest, { body, signature }]));
  }
}

/** Parameters from ?5 on: the first four are the span's. */
function conditionsOf({ since, until, actor, action, host }: LedgerFilter): {
  readonly conditions: readonly string[];
  readonly values: readonly (string | number)[];
} {
  const values: (string | number)[] = [];
  const bound = (value: string | number): string => {
    values.push(value);
    return `?${4 + values.length}`;
  };
  // A row that is no JSON matches nothing, instead of failing the whole question.
  const conditions: string[] = ["json_valid(body)"];
  if (since !== undefined) conditions.push(`body ->> '$.at' >= ${bound(since * 1_000)}`);
  if (until !== undefined) conditions.push(`body ->> '$.at' < ${bound(until * 1_000)}`);
  if (action !== undefined) conditions.push(`body ->> '$.action' = ${bound(action)}`);
  if (actor !== undefined)
    conditions.push(`coalesce(body ->> '$.actor.id', body ->> '$.actor.kind') = ${bound(actor)}`);
  if (host !== undefined) {
    const place = bound(host);
    conditions.push(`(body ->> '$.target' = ${place} OR body ->> '$.actor.id' = ${place})`);
  }
  return { conditions, values };
}

/** A row that does not parse is still shown: finding it is the reader's business. */
function receiptNamed({ idx, body }: LedgerRecord): readonly (readonly [number, string])[] {
  try {
    const { receipt } = entryCodec.decode(utf8(body)).detail;
    return receipt === undefined ? [] : [[idx, receipt]];
  } catch (error) {
    if (error instanceof MalformedError) return [];
    throw error;
  }
}

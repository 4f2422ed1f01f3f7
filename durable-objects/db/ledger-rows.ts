/** Entries as they are kept, and how a question about them is said in SQL: the same for the open table and for segments. */
import { utf8 } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { LedgerFilter } from "../../protocol/contracts/ledger.ts";
import { entryCodec, type PersonalField } from "../../protocol/ledger.ts";

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

export interface ValueRow extends Opening {
  readonly idx: number;
  readonly field: PersonalField;
}

export interface ReceiptRow {
  readonly digest: string;
  readonly body: string;
  readonly signature: string;
}

/** Indices, not included. */
export interface Span {
  readonly after: number;
  readonly before: number;
}

export interface Page {
  readonly order: "ASC" | "DESC";
  readonly limit: number;
}

/** What belongs to entries and is not in them. */
export interface Beside {
  readonly values: readonly ValueRow[];
  readonly receipts: readonly ReceiptRow[];
}

/** ` AND …` for each part of a filter; its values are bound from the place `from` on. */
export function conditionsOf(
  filter: LedgerFilter,
  from: number,
): { readonly sql: string; readonly values: readonly (string | number)[] } {
  if (Object.keys(filter).length === 0) return { sql: "", values: [] };
  const { since, until, actor, action, host } = filter;
  const values: (string | number)[] = [];
  const bound = (value: string | number): string => {
    values.push(value);
    return `?${from - 1 + values.length}`;
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
  return { sql: conditions.map((one) => ` AND ${one}`).join(""), values };
}

/** Digest of the receipt that an entry names. A row that does not parse is still shown: finding it is the reader's business. */
export function receiptNamed({ body }: Pick<LedgerRecord, "body">): string | undefined {
  try {
    return entryCodec.decode(utf8(body)).detail.receipt;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

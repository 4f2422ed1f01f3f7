/** Which entries go into the next message to a far end. Reads the log; sends nothing and remembers nothing. */
import { utf8 } from "../../protocol/bytes.ts";
import type { LedgerFilter } from "../../protocol/contracts/ledger.ts";
import type { ExportFormat, LedgerEntry } from "../../protocol/ledger.ts";
import { MAX_ENTRIES_SCANNED, MAX_STREAM_BATCH } from "../../protocol/limits.ts";
import type { LedgerReader, LedgerRecord } from "../db/ledger-reader.ts";
import { readEntry } from "../export/event.ts";
import { formats } from "../export/formats.ts";

/** Indices, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

export interface Wanted extends Range {
  readonly filter: LedgerFilter;
}

export type Looked =
  | { readonly found: "batch"; readonly range: Range }
  /** Nothing up to here is for this far end. */
  | { readonly found: "nothing"; readonly upTo: number }
  /** Only what this stream itself caused: it goes with whatever comes next. */
  | { readonly found: "echoes" };

export async function lookForBatch(reader: LedgerReader, { first, last, filter }: Wanted): Promise<Looked> {
  const until = Math.min(last, first - 1 + MAX_ENTRIES_SCANNED);
  const records = await readRange(reader, { first, last: until, filter });
  const [oldest, newest] = [records[0], records.at(-1)];
  if (oldest === undefined || newest === undefined) return { found: "nothing", upTo: until };
  if (records.length < MAX_STREAM_BATCH && records.every(isEcho)) return { found: "echoes" };
  return { found: "batch", range: { first: oldest.idx, last: newest.idx } };
}

/** The message itself; empty when its entries are no longer there. */
export async function writeBatch(
  reader: LedgerReader,
  wanted: Wanted,
  format: ExportFormat,
): Promise<{ readonly body: string; readonly contentType: string }> {
  const { header, row, contentType } = formats[format];
  const rows = await reader.describe(await readRange(reader, wanted));
  return { body: rows.length === 0 ? "" : header + rows.map((one) => row(one)).join(""), contentType };
}

/** The oldest ones, at most a batch. */
async function readRange(reader: LedgerReader, { first, last, filter }: Wanted): Promise<readonly LedgerRecord[]> {
  if (Object.keys(filter).length === 0)
    return (await reader.oldestAfter(first - 1, MAX_STREAM_BATCH)).filter(({ idx }) => idx <= last);
  const span = { after: first - 1, before: last + 1 };
  return reader.filtered(filter, span, { order: "ASC", limit: MAX_STREAM_BATCH });
}

/**
 * Entries that a failing or recovering stream leaves behind. Sent on their own they could make the next one, and two
 * streams could keep each other busy for ever.
 */
function isEcho({ body }: LedgerRecord): boolean {
  const entry = readEntry(utf8(body));
  return entry !== undefined && ECHOES.some((is) => is(entry));
}

const ECHOES: readonly ((entry: LedgerEntry) => boolean)[] = [
  ({ action }) => action === "stream.set-aside",
  ({ action, detail }) => action === "alert.raised" && detail.code === "stream.failing",
  ({ action, actor }) => action === "alert.resolved" && actor.kind === "edge",
];

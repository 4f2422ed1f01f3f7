/**
 * The ledger for people to read and browsers to verify: bodies exactly as stored, nothing said about their truth, and
 * beside them what proves them.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import type { ActivityRow, LedgerFilter } from "../../protocol/contracts/ledger.ts";
import { MAX_ENTRIES_PER_PAGE } from "../../protocol/limits.ts";
import { noteToWire } from "../../protocol/note.ts";
import type { LedgerRecord } from "../../durable-objects/db/ledger-reader.ts";
import type { LedgerBooks } from "../ledger-books.ts";
import { readLedgerFilter } from "../http/ledger-filter.ts";
import { problem } from "../http/problems.ts";
import { readCount } from "../http/query.ts";
import type { Answer, Handler } from "../mount.ts";

/** A screenful and some. */
const DEFAULT_ENTRIES = 50;

/** `after`: oldest first, as a verifier walks. Otherwise newest first, optionally older than `before`. */
export const activity: Handler<"activity"> = async ({ authority, arrival, deps }) => {
  const books = deps.books(authority.workspace);
  const after = readCount(arrival.query, "after");
  const before = readCount(arrival.query, "before") ?? Number.MAX_SAFE_INTEGER;
  const limit = readCount(arrival.query, "limit") ?? DEFAULT_ENTRIES;
  if (limit < 1 || limit > MAX_ENTRIES_PER_PAGE) throw problem("malformed_request", "limit");
  const filter = readLedgerFilter(arrival.query);
  if (filter !== undefined) {
    if (after !== undefined) throw problem("malformed_request", "after");
    return { body: await filtered(books, filter, { before, limit }) };
  }
  // The head first: entries written between the two reads are then simply beyond it.
  const [head, dropped] = await Promise.all([books.reader.head(), droppedTo(books)]);
  const records =
    after === undefined ? await books.reader.newestBefore(before, limit) : await books.reader.oldestAfter(after, limit);
  return { body: { rows: [...(await books.reader.describe(records))], head, ...dropped } };
};

async function droppedTo({ reader }: LedgerBooks): Promise<{ readonly droppedTo?: number }> {
  const last = await reader.droppedTo();
  return last === 0 ? {} : { droppedTo: last };
}

/** Neighbours prove each other; what a filter picks out needs a proof of its own. */
async function filtered(
  books: LedgerBooks,
  filter: LedgerFilter,
  range: { readonly before: number; readonly limit: number },
): Promise<Answer<"activity">["body"]> {
  const { reader, tree, checkpoints } = books;
  const [head, dropped] = await Promise.all([reader.head(), droppedTo(books)]);
  const covering = await checkpoints.newest();
  // Never beyond the head that is named: the next page would not go there again.
  const before = Math.min(range.before, head.index + 1);
  const { records, scanned } = await reader.matching(filter, { before, limit: range.limit });
  const rows: ActivityRow[] = [...(await reader.describe(records))];
  if (covering === undefined) return { rows, head, scanned, ...dropped };
  const inclusion = await Promise.all(records.map((record) => proofOf(tree, record, covering.size)));
  return { rows, head, scanned, ...dropped, inclusion, checkpoint: noteToWire(covering.note) };
}

async function proofOf(tree: LedgerBooks["tree"], { idx }: LedgerRecord, size: number): Promise<string[]> {
  return idx > size ? [] : (await tree.inclusion(idx, size)).map(toBase64url);
}

/** One entry with all that proves it, to be checked alone. */
export const entryProof: Handler<"entryProof"> = async ({ authority, params, deps }) => {
  const books = deps.books(authority.workspace);
  const index = Number(/^[1-9]\d{0,14}$/.exec(params["index"] ?? "")?.[0] ?? 0);
  const record = index === 0 ? undefined : await books.reader.entry(index);
  const [row] = record === undefined ? [] : await books.reader.describe([record]);
  if (row === undefined)
    throw problem(index > 0 && index <= (await books.reader.droppedTo()) ? "entry_dropped" : "not_found");
  const covering = await books.covering(index);
  if (covering === undefined) throw problem("checkpoint_refused");
  const inclusion = (await books.tree.inclusion(index, covering.size)).map(toBase64url);
  return { body: { row, inclusion, checkpoint: noteToWire(covering.note) } };
};

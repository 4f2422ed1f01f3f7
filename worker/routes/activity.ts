/** The ledger for people to read and browsers to verify: bodies exactly as stored, nothing said about their truth. */
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import type { ActivityRow } from "../../protocol/contracts.ts";
import { CHAIN_START, entryCodec } from "../../protocol/ledger.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { MAX_ENTRIES_PER_PAGE } from "../../protocol/limits.ts";
import { readLedger, readLedgerHead, readReceipts, readSources, type LedgerRecord } from "../db/activity.ts";
import type { Deps } from "../deps.ts";
import { problem } from "../http/problems.ts";
import { readCount } from "../http/query.ts";
import type { Handler } from "../mount.ts";

/** A screenful and some. */
const DEFAULT_ENTRIES = 50;

/** `after`: oldest first, as a verifier walks. Otherwise newest first, optionally older than `before`. */
export const activity: Handler<"activity"> = async ({ authority, arrival, deps }) => {
  const { workspace } = authority;
  const after = readCount(arrival.query, "after");
  const before = readCount(arrival.query, "before");
  const limit = readCount(arrival.query, "limit") ?? DEFAULT_ENTRIES;
  if (limit < 1 || limit > MAX_ENTRIES_PER_PAGE) throw problem("malformed_request", "limit");
  // The head first: entries written between the two reads are then simply beyond it.
  const head = (await readLedgerHead(deps.db, workspace)) ?? CHAIN_START;
  const range = { limit, ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) };
  const records = await readLedger(deps.db, workspace, range);
  return { body: { rows: await describe(records, workspace, deps), head } };
};

async function describe(records: readonly LedgerRecord[], workspace: string, deps: Deps): Promise<ActivityRow[]> {
  const indices = records.map(({ idx }) => idx);
  if (indices.length === 0) return [];
  const receiptOf = new Map(records.flatMap((record) => receiptEntry(record)));
  const [sources, receipts] = await Promise.all([
    readSources(deps.db, workspace, { first: Math.min(...indices), last: Math.max(...indices) }),
    readReceipts(deps.db, workspace, [...receiptOf.values()]),
  ]);
  return records.map(({ idx, body, hash }) => {
    const source = sources.get(idx);
    const receipt = receipts.get(receiptOf.get(idx) ?? "");
    return {
      index: idx,
      body: toBase64url(utf8(body)),
      hash,
      ...(source === undefined ? {} : { source }),
      ...(receipt === undefined ? {} : { receipt: { body: receipt.body, signature: receipt.signature } }),
    };
  });
}

/** A row that does not parse is still shown: finding it is the reader's business. */
function receiptEntry({ idx, body }: LedgerRecord): readonly (readonly [number, string])[] {
  try {
    const { receipt } = entryCodec.decode(utf8(body)).detail;
    return receipt === undefined ? [] : [[idx, receipt]];
  } catch (error) {
    if (error instanceof MalformedError) return [];
    throw error;
  }
}

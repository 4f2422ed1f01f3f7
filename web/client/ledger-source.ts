/**
 * What this page asks the edge about the log: rows, proofs, checkpoints. Believes nothing of it; who asks verifies.
 */
import { fromBase64url } from "../../protocol/bytes.ts";
import type { Checkpoints, LedgerFilter, Looking } from "../../protocol/contracts/ledger.ts";
import { HASH_BYTES, type Hash } from "../../protocol/merkle.ts";
import type { Answer, EdgeClient } from "./http.ts";
import { TroubleError } from "./trouble.ts";

export type RowsAnswer = Answer<"activity">;
export type ProofAnswer = Answer<"entryProof">;

/** `after`: oldest first; `before`, or neither: newest first. */
export interface RowsQuery {
  readonly after?: number;
  readonly before?: number;
  readonly limit: number;
  readonly filter?: LedgerFilter;
}

export class LedgerSource {
  readonly #client: EdgeClient;

  constructor(client: EdgeClient) {
    this.#client = client;
  }

  rows({ after, before, limit, filter = {} }: RowsQuery): Promise<RowsAnswer> {
    const query: Record<string, string> = { limit: String(limit) };
    if (after !== undefined) query["after"] = String(after);
    if (before !== undefined) query["before"] = String(before);
    for (const [name, value] of Object.entries(filter)) query[name] = String(value);
    return this.#client.call("activity", { query });
  }

  /** Undefined where the edge has none: it signed nothing yet. */
  proof(index: number): Promise<ProofAnswer | undefined> {
    return orNothing(() => this.#client.call("entryProof", { params: { index: String(index) } }));
  }

  checkpoints(): Promise<Checkpoints | undefined> {
    return orNothing(() => this.#client.call("checkpoints"));
  }

  async consistency(from: number, to: number): Promise<readonly Hash[] | undefined> {
    const query = { from: String(from), to: String(to) };
    const answer = await orNothing(() => this.#client.call("consistency", { query }));
    return answer?.consistency.map(hashOf);
  }

  /** When the segment that ends there was dropped, by the edge's word: good for finding the entry that says so. */
  async droppedAt(last: number): Promise<number | undefined> {
    const kept = await orNothing(() => this.#client.call("retention"));
    return kept?.segments.find((segment) => segment.last === last)?.droppedAt;
  }

  looking(): Promise<Looking | undefined> {
    return orNothing(() => this.#client.call("looking"));
  }
}

async function orNothing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TroubleError && NOTHING_TO_GIVE.includes(error.trouble.code)) return undefined;
    throw error;
  }
}

/** No such entry, nothing signed, or sizes that the log does not have: whoever asked judges what that means. */
const NOTHING_TO_GIVE: readonly string[] = ["not_found", "checkpoint_refused", "malformed_request"];

/** A hash as JSON carries it; one of another length fits nothing. */
export function hashOf(text: string): Hash {
  const bytes = fromBase64url(text);
  return bytes.length === HASH_BYTES ? bytes : new Uint8Array(HASH_BYTES);
}

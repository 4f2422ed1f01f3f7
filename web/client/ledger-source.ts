/**
 * What this page asks the edge about the log: rows, proofs, checkpoints. Believes nothing of it; who asks verifies.
 */
import type * as v from "valibot";
import { fromBase64url } from "../../protocol/bytes.ts";
import { endpoints } from "../../protocol/contracts.ts";
import type {
  checkpointEndpoints,
  Checkpoints,
  LedgerFilter,
  ledgerEndpoints,
  Looking,
} from "../../protocol/contracts/ledger.ts";
import { HASH_BYTES, type Hash } from "../../protocol/merkle.ts";
import type { EdgeClient } from "./http.ts";
import { TroubleError } from "./trouble.ts";

export type RowsAnswer = v.InferOutput<typeof ledgerEndpoints.activity.response>;
export type ProofAnswer = v.InferOutput<typeof checkpointEndpoints.entryProof.response>;

/** `after`: oldest first; `before`, or neither: newest first. */
export interface RowsQuery {
  readonly after?: number;
  readonly before?: number;
  readonly limit: number;
  readonly filter?: LedgerFilter;
}

type Call = (name: string, input: object) => Promise<unknown>;

export class LedgerSource {
  readonly #call: Call;

  constructor(client: EdgeClient) {
    this.#call = client.call.bind(client) as Call;
  }

  rows({ after, before, limit, filter = {} }: RowsQuery): Promise<RowsAnswer> {
    const query: Record<string, string> = { limit: String(limit) };
    if (after !== undefined) query["after"] = String(after);
    if (before !== undefined) query["before"] = String(before);
    for (const [name, value] of Object.entries(filter)) query[name] = String(value);
    return this.#call("activity", { query }) as Promise<RowsAnswer>;
  }

  /** Undefined where the edge has none: it signed nothing yet. */
  proof(index: number): Promise<ProofAnswer | undefined> {
    return this.#ask<ProofAnswer>("entryProof", { params: { index: String(index) } });
  }

  checkpoints(): Promise<Checkpoints | undefined> {
    return this.#ask<Checkpoints>("checkpoints", {});
  }

  async consistency(from: number, to: number): Promise<readonly Hash[] | undefined> {
    const query = { from: String(from), to: String(to) };
    const answer = await this.#ask<{ readonly consistency: readonly string[] }>("consistency", { query });
    return answer?.consistency.map(hashOf);
  }

  looking(): Promise<Looking | undefined> {
    return this.#ask<Looking>("looking", {});
  }

  async #ask<T>(name: string, input: object): Promise<T | undefined> {
    if (!Object.hasOwn(endpoints, name)) return undefined;
    try {
      return (await this.#call(name, input)) as T;
    } catch (error) {
      if (error instanceof TroubleError && NOTHING_TO_GIVE.includes(error.trouble.code)) return undefined;
      throw error;
    }
  }
}

/** No such entry, nothing signed, or sizes that the log does not have: whoever asked judges what that means. */
const NOTHING_TO_GIVE: readonly string[] = ["not_found", "checkpoint_refused", "malformed_request"];

/** A hash as JSON carries it; one of another length fits nothing. */
export function hashOf(text: string): Hash {
  const bytes = fromBase64url(text);
  return bytes.length === HASH_BYTES ? bytes : new Uint8Array(HASH_BYTES);
}

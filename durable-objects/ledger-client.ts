/** How everybody else appends: one function that returns only when the entry is durable, and throws otherwise. */
import type { ChainPosition, LedgerDraft } from "../protocol/ledger.ts";
import type { ReceiptRecord } from "../migrations/schema.ts";
import type { Env } from "./env.ts";
import { logFault } from "./log.ts";

/** The entry is not known to be written, so what it would have recorded must not happen. */
export class LedgerUnavailable extends Error {
  override readonly name = "LedgerUnavailable";
}

/** `receipt`: the signed bytes that the entry names; they become durable with it. */
export type AppendEntry = (draft: LedgerDraft, receipt?: ReceiptRecord) => Promise<ChainPosition>;

export function ledgerOf(env: Pick<Env, "LEDGER">, workspace: string): AppendEntry {
  return async (draft, receipt) => {
    let appended;
    try {
      appended = await env.LEDGER.getByName(workspace).append(workspace, draft, receipt);
    } catch (error) {
      logFault("ledger_unreachable", error, { action: draft.action });
      throw new LedgerUnavailable(draft.action);
    }
    if (!appended.ok) throw new LedgerUnavailable(draft.action);
    return { index: appended.index, hash: appended.hash };
  };
}

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
export interface NewEntry {
  readonly draft: LedgerDraft;
  readonly receipt?: ReceiptRecord | undefined;
}

export type AppendEntry = (draft: LedgerDraft) => Promise<ChainPosition>;
/** One place for each, in order; undefined for what is not written. */
export type AppendEntries = (entries: readonly NewEntry[]) => Promise<readonly (ChainPosition | undefined)[]>;

export function ledgerOf(env: Pick<Env, "LEDGER">, workspace: string): AppendEntry {
  const append = ledgerGroupOf(env, workspace);
  return async (draft) => {
    const [position] = await append([{ draft }]);
    if (position === undefined) throw new LedgerUnavailable(draft.action);
    return position;
  };
}

export function ledgerGroupOf(env: Pick<Env, "LEDGER">, workspace: string): AppendEntries {
  return async (entries) => {
    try {
      const appended = await env.LEDGER.getByName(workspace).append(workspace, entries);
      return appended.map((result, i) => {
        if (result.ok) return { index: result.index, hash: result.hash };
        // Writing it again will not help: a mistake of ours that nothing else would show.
        if (result.code === "ledger_malformed")
          logFault(result.code, new LedgerUnavailable("not an entry"), { action: entries[i]?.draft.action });
        return undefined;
      });
    } catch (error) {
      logFault("ledger_unreachable", error, { action: entries[0]?.draft.action });
      return entries.map(() => undefined);
    }
  };
}

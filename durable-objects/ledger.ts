/**
 * The only writer of a workspace's ledger. Appends that arrive while a batch is being written go into the next one
 * (group commit). An append answers when its entry is durable in D1, or says that it is not; it never answers before.
 * Holds no truth of its own: the head in memory is a copy, thrown away after any doubt.
 */
import { DurableObject } from "cloudflare:workers";
import { CHAIN_START, type ChainPosition } from "../protocol/ledger.ts";
import type { ReceiptRecord } from "../migrations/schema.ts";
import { buildBatch, subjectKey, type Batch } from "./ledger-batch.ts";
import type { Env } from "./env.ts";
import { isChainRefusal, LedgerTable } from "./db/ledger-table.ts";
import type { NewEntry } from "./ledger-client.ts";
import { logFault } from "./log.ts";

/** Bounds one D1 transaction (about 70 KB) and how much one failure can take with it. */
export const MAX_BATCH_ENTRIES = 100;
/** What may wait in memory: beyond it the database is too slow, and the honest answer is "not now". */
export const MAX_WAITING_ENTRIES = 2_000;

export type Appended =
  | { readonly ok: true; readonly index: number; readonly hash: string }
  | { readonly ok: false; readonly code: "ledger_unavailable" | "ledger_malformed" };

const UNAVAILABLE: Appended = { ok: false, code: "ledger_unavailable" };
/** A caller's mistake; it must not take the rest of the batch with it. */
const MALFORMED: Appended = { ok: false, code: "ledger_malformed" };

interface Waiting extends NewEntry {
  readonly at: number;
  readonly settle: (result: Appended) => void;
}

export class Ledger extends DurableObject<Env> {
  /** Rebuilt from D1; undefined whenever the last write's outcome is not certain. */
  #head: ChainPosition | undefined;
  /** In memory only: each caller is still waiting, and learns nothing if this object dies. */
  #waiting: Waiting[] = [];
  /** In memory only. */
  #writing = false;
  /** Rebuilt from the first call: an object is named by its workspace. */
  #workspace: string | undefined;

  /** An answer for each, in order. */
  append(workspace: string, entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    this.#workspace ??= workspace;
    if (this.#workspace !== workspace) throw new TypeError("ledger: object of another workspace");
    const answers = entries.map((entry) => this.#enqueue(entry));
    if (!this.#writing && this.#waiting.length > 0) void this.#write(new LedgerTable(this.env.DB, workspace));
    return Promise.all(answers);
  }

  #enqueue({ draft, receipt }: NewEntry): Promise<Appended> {
    if (this.#waiting.length >= MAX_WAITING_ENTRIES) return Promise.resolve(UNAVAILABLE);
    return new Promise((settle) => this.#waiting.push({ draft, receipt, at: Date.now(), settle }));
  }

  async #write(table: LedgerTable): Promise<void> {
    this.#writing = true;
    // One turn of the event loop lets appends that arrived together share the first batch too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_BATCH_ENTRIES);
      try {
        const results = await this.#commit(table, group);
        group.forEach(({ settle }, i) => settle(results[i] ?? UNAVAILABLE));
      } catch (error) {
        this.#head = undefined;
        logFault("ledger_unavailable", error, { entries: group.length });
        for (const { settle } of group) settle(UNAVAILABLE);
      }
    }
    this.#writing = false;
  }

  /** Nearly every entry is new: the table is asked what it holds only after it has refused a batch. */
  async #commit(table: LedgerTable, group: readonly Waiting[]): Promise<readonly Appended[]> {
    try {
      return await this.#append(table, group, new Map());
    } catch (error) {
      const known = isChainRefusal(error) ? await table.positionsOf(group.flatMap(subjectOf)) : undefined;
      if (known === undefined || known.size === 0) throw error;
      return this.#append(table, group, known);
    }
  }

  async #append(
    table: LedgerTable,
    group: readonly Waiting[],
    known: ReadonlyMap<string, ChainPosition>,
  ): Promise<readonly Appended[]> {
    const head = (this.#head ??= (await table.head()) ?? CHAIN_START);
    const batch = buildBatch({ workspace: table.workspace, head, known, drafts: group });
    // Entries and receipts are one transaction: where every entry is there already, so is every receipt.
    if (batch.rows.length > 0)
      await this.#insert(
        table,
        batch,
        group.flatMap(({ receipt }) => receipt ?? []),
      );
    this.#head = batch.head;
    return batch.positions.map((position) => (position === undefined ? MALFORMED : { ok: true, ...position }));
  }

  /** A failed answer does not mean a failed write: only the table knows whether the transaction happened. */
  async #insert(table: LedgerTable, batch: Batch, receipts: readonly ReceiptRecord[]): Promise<void> {
    try {
      await table.insert(batch, receipts);
    } catch (error) {
      this.#head = undefined;
      const head = await table.head();
      if (head === undefined || head.index < batch.head.index || !(await table.holds(batch.head))) throw error;
    }
  }
}

function subjectOf({ draft }: Waiting): readonly string[] {
  const subject = subjectKey(draft);
  return subject === undefined ? [] : [subject];
}

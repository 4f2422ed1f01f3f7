/**
 * The only writer of a workspace's ledger, and the only one that signs it. Appends that arrive while a batch is being written go into the next one
 * (group commit). An append answers when its entry is durable in D1, or says that it is not; it never answers before.
 * The head in memory is a copy, thrown away after any doubt; what was signed is remembered here too, so that a database
 * that was rolled back is not signed again.
 */
import { DurableObject } from "cloudflare:workers";
import { CHAIN_START, type ChainPosition, type LedgerDraft } from "../protocol/ledger.ts";
import { SEGMENT_ENTRIES } from "../protocol/limits.ts";
import type { ReceiptRecord } from "../migrations/schema.ts";
import { alarmsOf } from "./alert-client.ts";
import { openDatabase } from "./db/database.ts";
import { LedgerReader } from "./db/ledger-reader.ts";
import { isChainRefusal, LedgerTable } from "./db/ledger-table.ts";
import { trustLogOf, type TrustLog } from "./db/trust-log.ts";
import { CheckpointKeys } from "./edge-keys.ts";
import { hostOf, type Env } from "./env.ts";
import { buildBatch, subjectKey, type Batch } from "./ledger-batch.ts";
import type { NewEntry } from "./ledger-client.ts";
import { Checkpoints, type CheckpointResult } from "./ledger/checkpoints.ts";
import { LedgerMemory, type CheckpointRefusal } from "./ledger/memory.ts";
import { Sealing } from "./ledger/seal.ts";
import { SigningAlarm } from "./ledger/signing-alarm.ts";
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
  /** Durable: what was signed, what hosts have shown, why nothing is signed. */
  readonly #memory: LedgerMemory;
  /** Durable. */
  readonly #alarm: SigningAlarm;
  /** Rebuilt. */
  #checkpoints: Promise<Checkpoints> | undefined;
  /** Rebuilt. */
  #sealing: Sealing | undefined;
  /** Rebuilt: verified again from D1. */
  readonly #trust: TrustLog;
  /** Rebuilt. */
  readonly #keys: CheckpointKeys;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#memory = new LedgerMemory(state.storage.sql);
    this.#alarm = new SigningAlarm(state.storage, () => this.#fleetSize());
    this.#trust = trustLogOf(openDatabase(env.DB));
    this.#keys = new CheckpointKeys(env, this.#trust);
  }

  // ---- writing ----

  /** An answer for each, in order. */
  append(workspace: string, entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    this.#memory.identify(workspace);
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
        await this.#alarm.arm(); // before there is an entry to cover: whoever dies next leaves the promise behind
        const results = await this.#commit(table, group);
        group.forEach(({ settle, draft }, i) => {
          const result = results[i] ?? UNAVAILABLE;
          // The entry is what makes it so: whoever reads the log knows why signing went on.
          if (result.ok && draft.action === "witness.reset") this.#memory.forgetShownBy(draft.target ?? "");
          settle(result);
        });
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
    const batch = await buildBatch({ workspace: table.workspace, head, known, drafts: group });
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

  // ---- signing ----

  /** A log that does not verify, or cannot be read now, must not keep anything from being signed. */
  async #fleetSize(): Promise<number> {
    const workspace = this.#memory.workspace();
    if (workspace === undefined) return 0;
    try {
      return (await this.#trust.current(workspace))?.hosts.size ?? 0;
    } catch (error) {
      logFault("fleet_size", error);
      return 0;
    }
  }

  /** Makes sure that a checkpoint covers every entry that is there now. */
  async checkpoint(workspace: string): Promise<CheckpointResult> {
    this.#memory.identify(workspace);
    return (await this.#signing(workspace)).cover();
  }

  /** A host holds this checkpoint; believed only as far as the ledger key signed it. */
  async seen(workspace: string, host: string, note: string): Promise<void> {
    this.#memory.identify(workspace);
    await (await this.#signing(workspace)).seen(host, note);
    if (this.#memory.refusal() !== undefined) await this.#alarm.arm();
  }

  /** Why nothing is signed at present, if so. */
  refusal(workspace: string): CheckpointRefusal | undefined {
    this.#memory.identify(workspace);
    return this.#memory.refusal();
  }

  override async alarm(): Promise<void> {
    this.#alarm.fired();
    const workspace = this.#memory.workspace();
    if (workspace === undefined) return;
    const isUnderWay = this.#writing;
    const result = await (await this.#signing(workspace)).cover();
    if (!result.ok && !result.isEmpty) await this.#alarm.again(result.refusal !== undefined);
    // Entries that were being written relied on the alarm that has just gone off, and may have come too late for it.
    else if (isUnderWay) await this.#alarm.arm();
    if (result.ok) await (this.#sealing ??= this.#openSealing(workspace)).look(result);
  }

  #openSealing(workspace: string): Sealing {
    const append = async (draft: LedgerDraft): Promise<Appended> =>
      (await this.append(workspace, [{ draft }]))[0] ?? UNAVAILABLE;
    return new Sealing({ env: this.env, workspace, append, entries: SEGMENT_ENTRIES });
  }

  async #signing(workspace: string): Promise<Checkpoints> {
    this.#checkpoints ??= this.#openCheckpoints(workspace);
    return this.#checkpoints;
  }

  async #openCheckpoints(workspace: string): Promise<Checkpoints> {
    return new Checkpoints({
      db: this.env.DB,
      workspace,
      sealed: new LedgerReader(this.env, workspace),
      memory: this.#memory,
      keys: () => this.#keys.of(workspace),
      alarms: alarmsOf(this.env, () => workspace),
      durable: () => this.ctx.storage.sync(),
      doubt: () => (this.#head = undefined),
      append: async (draft) => (await this.append(workspace, [{ draft }]))[0] ?? UNAVAILABLE,
      hosts: async () => {
        const trust = await this.#trust.current(workspace);
        return trust === undefined ? undefined : new Set(trust.hosts.keys());
      },
      show: (note) => this.ctx.waitUntil(this.#show(workspace, note)),
    });
  }

  /** To every host that may witness; one that cannot be reached asks when it comes back. */
  async #show(workspace: string, note: string): Promise<void> {
    try {
      const trust = await this.#trust.current(workspace);
      const hosts = [...(trust?.hosts.keys() ?? [])];
      await Promise.all(hosts.map((host) => hostOf(this.env, workspace, host).showCheckpoint(note)));
    } catch (error) {
      logFault("checkpoint_not_shown", error);
    }
  }
}

function subjectOf({ draft }: Waiting): readonly string[] {
  const subject = subjectKey(draft);
  return subject === undefined ? [] : [subject];
}

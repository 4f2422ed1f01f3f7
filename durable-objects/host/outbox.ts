/**
 * Carries what a host said into the ledger. The row in the outbox is written together with the fact itself, so a
 * closed browser, a dead ledger or an eviction delays the entry and never loses it; an alarm tries again.
 */
import type { ReceiptRecord } from "../../migrations/schema.ts";
import { LedgerUnavailable, type AppendEntry } from "../ledger-client.ts";
import { logFault, logStep } from "../log.ts";
import type { HostStore, OutboxItem, StoredReceipt } from "./store.ts";

const FIRST_RETRY_SECONDS = 1;
const MAX_RETRY_SECONDS = 60;

export interface OutboxDeps {
  readonly store: HostStore;
  readonly storage: DurableObjectStorage;
  readonly workspace: string;
  readonly host: string;
  readonly append: AppendEntry;
}

export class Outbox {
  readonly #deps: OutboxDeps;
  /** In memory only: a new object simply starts with a short wait again. */
  #retrySeconds = FIRST_RETRY_SECONDS;
  /** In memory only. */
  #running: Promise<void> | undefined;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  /** Call in the turn that wrote the row: the alarm then commits with it. */
  schedule(): Promise<void> {
    void this.#deps.storage.setAlarm(Date.now() + this.#retrySeconds * 1_000);
    return this.flush();
  }

  /**
   * Empties the outbox in order; what fails stays, and the alarm is set. An alarm that finds nothing is left to fire: it is
   * shared with commands under way. Never rejects.
   */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#running = this.#drain();
    await this.#running;
    this.#running = undefined;
  }

  async #drain(): Promise<void> {
    const { store, storage } = this.#deps;
    try {
      for (let items = store.outbox(); items.length > 0; items = store.outbox()) {
        for (const item of items) {
          await this.#carry(item);
          store.removeFromOutbox(item.id);
        }
      }
      this.#retrySeconds = FIRST_RETRY_SECONDS;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) logFault("outbox", error, { host: this.#deps.host });
      this.#retrySeconds = Math.min(this.#retrySeconds * 2, MAX_RETRY_SECONDS);
      await storage.setAlarm(Date.now() + this.#retrySeconds * 1_000);
    }
  }

  /** The receipt's bytes go with the entry: a reader who meets it must find them. Both writes are idempotent. */
  async #carry({ draft, receipt }: OutboxItem): Promise<void> {
    await this.#deps.append(draft, receipt === undefined ? undefined : this.#record(receipt));
    if (draft.detail.intent !== undefined)
      logStep("receipt-ledgered", { intent: draft.detail.intent, action: draft.action });
  }

  #record({ digest, intent, number, signed }: StoredReceipt): ReceiptRecord {
    const { workspace, host } = this.#deps;
    return { workspace, digest, intent, host, number, ...signed };
  }
}

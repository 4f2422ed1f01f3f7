/**
 * Carries what a host said into the ledger. The row in the outbox is written together with the fact itself, so a
 * closed browser, a dead ledger or an eviction delays the entry and never loses it; an alarm tries again.
 */
import type { ReceiptRecord } from "../../migrations/schema.ts";
import { LedgerUnavailable, type AppendEntries } from "../ledger-client.ts";
import { logFault } from "../log.ts";
import type { HostStore, OutboxItem, StoredReceipt } from "./store.ts";
import type { Wake } from "./wake.ts";

/** What becomes of commands within this time goes to the ledger together: it is safe in the outbox, and nobody waits. */
const GATHER_MILLISECONDS = 100;
const FIRST_RETRY_SECONDS = 1;
const MAX_RETRY_SECONDS = 60;

export interface OutboxDeps {
  readonly store: HostStore;
  readonly wake: Wake;
  readonly workspace: string;
  readonly host: string;
  readonly append: AppendEntries;
}

export class Outbox {
  readonly #deps: OutboxDeps;
  /** In memory only: a new object simply starts with a short wait again. */
  #retrySeconds = FIRST_RETRY_SECONDS;
  /** In memory only. */
  #running: Promise<void> | undefined;
  #gathering: Promise<void> | undefined;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  /** Now. Call in the turn that wrote the row: the alarm then commits with it. Never rejects. */
  schedule(): Promise<void> {
    this.#deps.wake.soon();
    return this.flush();
  }

  /** The same for what comes in numbers: in a moment, with whatever else is there by then. */
  gather(): Promise<void> {
    this.#deps.wake.soon();
    this.#gathering ??= new Promise<void>((resolve) => setTimeout(resolve, GATHER_MILLISECONDS)).then(() => {
      this.#gathering = undefined;
      return this.flush();
    });
    return this.#gathering;
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
    const { store, wake, host } = this.#deps;
    try {
      for (let items = store.outbox(); items.length > 0; items = store.outbox()) await this.#carry(items);
      this.#retrySeconds = FIRST_RETRY_SECONDS;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) logFault("outbox", error, { host });
      this.#retrySeconds = Math.min(this.#retrySeconds * 2, MAX_RETRY_SECONDS);
      wake.in(this.#retrySeconds);
    }
  }

  /**
   * The receipt's bytes go with the entry: a reader who meets it must find them. Both writes are idempotent.
   * @throws {LedgerUnavailable} at the first item that is not written; those before it are done
   */
  async #carry(items: readonly OutboxItem[]): Promise<void> {
    const { store, append } = this.#deps;
    const positions = await append(items.map(({ draft, receipt }) => ({ draft, receipt: this.#record(receipt) })));
    for (const [i, { id, draft }] of items.entries()) {
      if (positions[i] === undefined) throw new LedgerUnavailable(draft.action);
      store.removeFromOutbox(id);
    }
  }

  #record(receipt: StoredReceipt | undefined): ReceiptRecord | undefined {
    if (receipt === undefined) return undefined;
    const { digest, intent, number, signed } = receipt;
    const { workspace, host } = this.#deps;
    return { workspace, digest, intent, host, number, ...signed };
  }
}

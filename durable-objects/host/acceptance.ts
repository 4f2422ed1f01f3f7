/**
 * From a verified submission to a place in the host's sequence, with the ledger entry in between. The submission is
 * kept before the entry is asked for, so that a process killed between the two leaves no entry without a command: the
 * alarm finishes what was begun. A ledger that says no takes the command with it; nothing was sent and nothing will be.
 */
import type { LedgerDraft } from "../../protocol/ledger.ts";
import { LedgerUnavailable, type AppendEntry } from "../ledger-client.ts";
import { logStep } from "../log.ts";
import type { HostStore } from "./store.ts";
import type { Wake } from "./wake.ts";

export interface NewCommand {
  /** Digest. */
  readonly intent: string;
  /** Canonical JSON of the submission. */
  readonly submission: string;
  /** `command.accepted`, idempotent on the digest. */
  readonly entry: LedgerDraft;
}

export interface AcceptanceDeps {
  readonly store: HostStore;
  readonly storage: Pick<DurableObjectStorage, "sync">;
  readonly wake: Wake;
  readonly append: AppendEntry;
}

export class Acceptance {
  readonly #deps: AcceptanceDeps;
  /** In memory only: calls that will settle their own command. */
  readonly #underway = new Set<string>();

  constructor(deps: AcceptanceDeps) {
    this.#deps = deps;
  }

  /** False when the ledger could not be written: the command is forgotten. */
  async accept(command: NewCommand): Promise<boolean> {
    const { store, storage, wake } = this.#deps;
    if (store.stateOf(command.intent) !== undefined) return true;
    store.hold({ ...command, entry: JSON.stringify(command.entry) });
    wake.soon();
    this.#underway.add(command.intent);
    try {
      await storage.sync();
      await this.#record(command);
      return true;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      store.dropHeld(command.intent);
      return false;
    } finally {
      this.#underway.delete(command.intent);
    }
  }

  /** Finishes what a dead process began, as far as the ledger lets it. Returns the intents that have their place now. */
  async resume(): Promise<readonly string[]> {
    const { store, wake } = this.#deps;
    const placed: string[] = [];
    for (const held of store.held()) {
      if (this.#underway.has(held.intent)) continue;
      try {
        await this.#record({ ...held, entry: JSON.parse(held.entry) as LedgerDraft }); // our own row
        placed.push(held.intent);
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) throw error;
        wake.soon();
        return placed;
      }
    }
    return placed;
  }

  async #record({ intent, submission, entry }: NewCommand): Promise<void> {
    const { index } = await this.#deps.append(entry);
    logStep("ledgered", { intent, index });
    this.#deps.store.place({ intent, submission, ledgerIndex: index });
  }
}

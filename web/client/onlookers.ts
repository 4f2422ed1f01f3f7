/** Who looks right now, by the edge's own word: people whose sessions asked for something a moment ago. */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import type { Looking } from "../../protocol/contracts/ledger.ts";
import type { Onlooker } from "../state/ledger.ts";
import type { Stop } from "../state/backend.ts";
import type { LedgerSource } from "./ledger-source.ts";
import { Poll } from "./poll.ts";
import { TroubleError } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";

export interface OnlookerDeps {
  readonly source: LedgerSource;
  readonly trust: TrustKeeper;
  readonly person: () => string | undefined;
}

export class Onlookers {
  readonly #deps: OnlookerDeps;
  readonly #people = signal<Looking["people"]>([]);
  readonly #poll = new Poll(() => this.#look());

  readonly list: ReadonlySignal<readonly Onlooker[]>;

  constructor(deps: OnlookerDeps) {
    this.#deps = deps;
    this.list = computed(() => {
      void deps.trust.view.value; // names come with the trust log
      return this.#people.value.map(({ person, sessions, lastSeenAt }) => ({
        id: person,
        name: deps.trust.nameOf(person) ?? person,
        sessions,
        lastSeenAt,
        isYou: person === deps.person(),
      }));
    });
  }

  forget(): void {
    this.#people.value = [];
  }

  watch(): Stop {
    return this.#poll.watch();
  }

  async #look(): Promise<void> {
    try {
      this.#people.value = (await this.#deps.source.looking())?.people ?? [];
    } catch (error) {
      if (!(error instanceof TroubleError)) throw error;
      this.#people.value = []; // who cannot be asked about is not shown; that the edge is gone is said elsewhere
    }
  }
}

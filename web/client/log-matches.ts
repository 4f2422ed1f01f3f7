/** A filtered list while somebody looks at it: what was found so far, what is written meanwhile, and looking further. */
import { computed, effect, signal, type ReadonlySignal } from "@preact/signals";
import type { LogItem, LogMatches, LogQuery, MatchesState } from "../state/ledger.ts";
import { partnersOf } from "./entry-view.ts";
import type { CheckedRow } from "./checked-row.ts";
import type { Held } from "./log-held.ts";
import type { LogKeeper } from "./log-keeper.ts";
import type { LogSearch, Match } from "./log-search.ts";
import { troubleOf } from "./trouble.ts";

/** What one list holds: about 4 kB each. Beyond, a person narrows the time or takes a copy. */
const MAX_FOUND = 5_000;

export interface MatchesDeps {
  readonly keeper: LogKeeper;
  /** Begins at the newest entry that is not the keeper's to announce. */
  readonly search: () => Promise<LogSearch>;
  readonly item: (index: number, held: Held, partner: CheckedRow | undefined) => LogItem;
}

export class Matches implements LogMatches {
  readonly #deps: MatchesDeps;
  readonly #query: LogQuery;
  readonly #found = signal<readonly Match[]>([]);
  readonly #fresh = signal<readonly Match[]>([]);
  readonly #state = signal<MatchesState>({ looking: true, scanned: 0, end: "more" });
  #search: LogSearch | undefined;
  #isStopped = false;
  readonly #stopListening: () => void;

  readonly items: ReadonlySignal<readonly LogItem[]>;

  constructor(deps: MatchesDeps, query: LogQuery) {
    this.#deps = deps;
    this.#query = query;
    let announced = deps.keeper.head.index;
    this.#stopListening = effect(() => {
      void deps.keeper.changed.value;
      const { index: head } = deps.keeper.head;
      const fresh: Match[] = [];
      for (let index = head; index > announced; index -= 1) {
        const held = deps.keeper.held(index);
        if (held !== undefined) fresh.push({ index, held });
      }
      announced = head;
      if (fresh.length > 0) this.#fresh.value = [...fresh, ...this.#fresh.peek()];
    });
    this.items = computed(() => {
      void deps.keeper.changed.value;
      return this.#kept([...this.#fresh.value, ...this.#found.value]);
    });
    this.#further();
  }

  get state(): ReadonlySignal<MatchesState> {
    return this.#state;
  }

  more(): void {
    if (!this.#state.value.looking && this.#state.value.end === "more") this.#further();
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopListening();
  }

  #further(): void {
    this.#state.value = { looking: true, scanned: this.#state.value.scanned, end: "more" };
    void this.#look().then((state) => {
      if (!this.#isStopped) this.#state.value = state;
    });
  }

  async #look(): Promise<MatchesState> {
    try {
      this.#search ??= await this.#deps.search();
      const found = await this.#search.next();
      if (!this.#isStopped && found.length > 0) this.#found.value = [...this.#found.value, ...found];
      const { scanned, isDone } = this.#search;
      const end = isDone ? "all" : this.#found.value.length >= MAX_FOUND ? "full" : "more";
      return { looking: false, scanned, end };
    } catch (error) {
      const { scanned } = this.#state.value;
      return { looking: false, scanned, end: "more", trouble: troubleOf(error) };
    }
  }

  #kept(matches: readonly Match[]): readonly LogItem[] {
    const rows = new Map<number, CheckedRow>();
    for (const { index, held } of matches.toReversed()) if (held.kind === "row") rows.set(index, held.checked);
    const partners = partnersOf(rows.values());
    return matches.flatMap(({ index, held }) => {
      const now = this.#deps.keeper.held(index) ?? held;
      const partner = rows.get(partners.get(index) ?? 0) ?? this.#deps.keeper.partnerOf(index);
      const item = this.#deps.item(index, now, partner);
      return this.#fits(item) ? [item] : [];
    });
  }

  /** What does not hold is shown under every filter. New entries come unasked, so here they are asked after. */
  #fits({ entry }: LogItem): boolean {
    if (entry === undefined) return true;
    const { since = 0, until = Number.MAX_SAFE_INTEGER, actor, host, actions, keeps } = this.#query;
    if (entry.at < since || entry.at >= until) return false;
    if (actor !== undefined && entry.actor.id !== actor) return false;
    if (host !== undefined && entry.actor.id !== host && entry.target?.id !== host) return false;
    if (actions !== undefined && !actions.includes(entry.action)) return false;
    return keeps === undefined || keeps(entry);
  }
}

/**
 * Applies the rules of protocol/patterns.ts to what people did lately: fetched once for a month, then entry by entry as
 * the log grows. Only entries whose place is proven count; where the past ends, so do the rules, and the page says so.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import {
  explainPattern,
  NO_PAST,
  observe,
  patternActions,
  type PatternEvent,
  type PatternState,
} from "../../protocol/patterns.ts";
import type { Loadable } from "../state/backend.ts";
import type { Mark, PatternsView } from "../state/ledger.ts";
import type { CheckedRow } from "./checked-row.ts";
import type { Held } from "./log-held.ts";
import { LogSearch, type Match, type SearchDeps } from "./log-search.ts";
import { troubleOf } from "./trouble.ts";

/** Long enough to know a person's habits, short enough to fetch. */
const LOOK_BACK_SECONDS = 30 * 86_400;
/** Of a busy workspace, the newest. */
const MAX_EVENTS = 4_000;
const PAGE = 200;

export interface PatternDeps extends SearchDeps {
  readonly now: () => number;
  /** Index of the newest entry before that moment. */
  readonly indexBefore: (at: number) => Promise<number>;
}

const NONE: readonly Mark[] = [];

export class PatternWatch {
  readonly #deps: PatternDeps;
  readonly #view = signal<Loadable<PatternsView>>({ state: "loading" });
  readonly #marks = new Map<number, readonly Mark[]>();
  #state: PatternState = NO_PAST;
  #foldedTo = 0;
  #since = 0;
  #starting: Promise<void> | undefined;
  #visit = Symbol("visit");

  constructor(deps: PatternDeps) {
    this.#deps = deps;
  }

  get view(): ReadonlySignal<Loadable<PatternsView>> {
    return this.#view;
  }

  /** Whoever reads this while drawing is drawn again when there are more. */
  marksOf(index: number): readonly Mark[] {
    void this.#view.value;
    return this.#marks.get(index) ?? NONE;
  }

  forget(): void {
    this.#visit = Symbol("visit");
    this.#marks.clear();
    this.#state = NO_PAST;
    this.#foldedTo = 0;
    this.#starting = undefined;
    this.#view.value = { state: "loading" };
  }

  /** Fetches the past up to `last`, once; a try that failed is made again by the next call. */
  start(last: number): Promise<void> {
    this.#starting ??= this.#begin(last);
    return this.#starting;
  }

  /** Entries after those that were looked at; `held` answers for each index. */
  advance(last: number, held: (index: number) => Held | undefined): void {
    if (this.#view.peek().state !== "ready" || last <= this.#foldedTo) return;
    const before = this.#marks.size;
    for (let index = this.#foldedTo + 1; index <= last; index += 1) {
      const one = held(index);
      if (one?.kind === "row") this.#observe(one.checked);
    }
    this.#foldedTo = last;
    if (this.#marks.size !== before) this.#show();
  }

  async #begin(last: number): Promise<void> {
    const visit = this.#visit;
    try {
      const since = Math.max(0, this.#deps.now() - LOOK_BACK_SECONDS);
      const { events, from } = await this.#past(last, since);
      if (visit !== this.#visit) return;
      for (const checked of events) this.#observe(checked);
      this.#foldedTo = last;
      this.#since = from;
      this.#show();
    } catch (error) {
      if (visit !== this.#visit) return;
      this.#starting = undefined;
      this.#view.value = { state: "failed", trouble: troubleOf(error) };
    }
  }

  /** Oldest first, and from when on it is complete. */
  async #past(last: number, since: number): Promise<{ readonly events: readonly CheckedRow[]; readonly from: number }> {
    const floor = await this.#deps.indexBefore(since);
    const range = { before: last + 1, floor, limit: PAGE };
    const search = new LogSearch(this.#deps, { since, actions: patternActions }, range);
    const found: Match[] = [];
    while (!search.isDone && found.length < MAX_EVENTS) found.push(...(await search.next()));
    const rows = found.flatMap(({ held }) => (held.kind === "row" && held.linked ? [held.checked] : []));
    const oldest = rows.at(-1)?.entry.at;
    return { events: rows.toReversed(), from: search.isDone || oldest === undefined ? since : oldest / 1000 };
  }

  #observe(checked: CheckedRow): void {
    const { state, found } = observe(this.#state, eventOf(checked));
    this.#state = state;
    for (const pattern of found) {
      const mark = { rule: pattern.rule, why: explainPattern(pattern) };
      this.#marks.set(pattern.index, [...(this.#marks.get(pattern.index) ?? NONE), mark]);
    }
  }

  #show(): void {
    const indices = [...this.#marks.keys()].toSorted((a, b) => b - a);
    this.#view.value = { state: "ready", value: { indices, since: this.#since } };
  }
}

function eventOf({ entry, opened }: CheckedRow): PatternEvent {
  return {
    index: entry.index,
    at: Math.floor(entry.at / 1000),
    action: entry.action,
    actor: entry.actor,
    ...opened,
    ...(entry.detail.intent === undefined ? {} : { intent: entry.detail.intent }),
  };
}

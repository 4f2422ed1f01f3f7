/**
 * Rows of the log that a page holds, by index, and what follows from which of them are here. Judges nothing, asks for
 * nothing; bounded by whoever calls `forgetFar`.
 */
import type { CheckedRow } from "./checked-row.ts";
import { partnersOf } from "./entry-view.ts";

/** About 4 kB each with its receipt. */
const MAX_HELD = 4_000;

export type Held =
  | { readonly kind: "row"; readonly checked: CheckedRow; readonly linked: boolean }
  | { readonly kind: "broken"; readonly reason: string };

export interface Span {
  readonly first: number;
  readonly last: number;
}

export class HeldRows {
  readonly #items = new Map<number, Held>();
  #partners: ReadonlyMap<number, number> | undefined;

  get(index: number): Held | undefined {
    return this.#items.get(index);
  }

  has(index: number): boolean {
    return this.#items.has(index);
  }

  set(index: number, held: Held): void {
    this.#items.set(index, held);
    this.#partners = undefined;
  }

  clear(): void {
    this.#items.clear();
    this.#partners = undefined;
  }

  /** Digest of a row whose place is proven. */
  linkedHash(index: number): string | undefined {
    const held = this.#items.get(index);
    return held?.kind === "row" && held.linked ? held.checked.row.hash : undefined;
  }

  partnerOf(index: number): CheckedRow | undefined {
    const partner = this.#derivePartners().get(index);
    const held = partner === undefined ? undefined : this.#items.get(partner);
    return held?.kind === "row" ? held.checked : undefined;
  }

  /** From here to `last` nothing is missing. */
  wholeFrom(last: number): number {
    let from = last + 1;
    while (this.#items.get(from - 1)?.kind === "row") from -= 1;
    return from;
  }

  /** From `last` down to `first`, as far as they are rows that were not what they become. Those that changed. */
  relink({ first, last }: Span, linked: boolean): readonly CheckedRow[] {
    const changed: CheckedRow[] = [];
    for (let index = last; index >= first; index -= 1) {
      const held = this.#items.get(index);
      if (held?.kind !== "row" || held.linked === linked) break;
      this.set(index, { ...held, linked });
      changed.push(held.checked);
    }
    return changed;
  }

  /** The newest part of the wish that is not held, at most `most` rows of it. */
  missing(wish: Span, most: number): Span | undefined {
    let { last } = wish;
    while (last >= wish.first && this.#items.has(last)) last -= 1;
    if (last < wish.first) return undefined;
    let first = last;
    const lowest = Math.max(1, last - most + 1);
    while (first > lowest && !this.#items.has(first - 1)) first -= 1;
    return { first, last };
  }

  /** Whatever is furthest from what is wanted, but nothing from `kept` on. */
  forgetFar(wish: Span, kept: number): void {
    if (this.#items.size <= MAX_HELD) return;
    const middle = (wish.first + wish.last) / 2;
    const old = [...this.#items.keys()].filter((index) => index < kept);
    const far = old.toSorted((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const index of far.slice(0, this.#items.size - Math.floor(MAX_HELD * 0.75))) this.#items.delete(index);
    this.#partners = undefined;
  }

  #derivePartners(): ReadonlyMap<number, number> {
    const rows = [...this.#items].toSorted(([a], [b]) => a - b);
    this.#partners ??= partnersOf(rows.flatMap(([, held]) => (held.kind === "row" ? [held.checked] : [])));
    return this.#partners;
  }
}

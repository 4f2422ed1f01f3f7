/**
 * The times that entries of a file give, in the entries' order: up to which entry somebody who cosigned at some moment can
 * have seen them, and where they run backwards. Remembers one time and what is still covered, whatever the length.
 */
import { COSIGN_SKEW_SECONDS, coversTime } from "../../protocol/checkpoint.ts";
import type { Report } from "./report.ts";

/** How much earlier than the one before an entry may be: clocks are set right by no more than that unnoticed. */
const BACK_MILLISECONDS = COSIGN_SKEW_SECONDS * 1_000;

export interface Cover {
  /** Index of the first entry that happened too late to be covered; infinite where none did. */
  readonly before: number;
}

interface Covering {
  /** Host clock, seconds. */
  readonly at: number;
  before: number;
}

export class Times {
  readonly #report: Report;
  /** The earliest last. */
  readonly #covering: Covering[] = [];
  #last = 0;
  #newest = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Call before the first entry. */
  cover(at: number): Cover {
    const one: Covering = { at, before: Number.POSITIVE_INFINITY };
    this.#covering.push(one);
    this.#covering.sort((a, b) => b.at - a.at);
    return one;
  }

  /** `at`: edge clock, milliseconds. */
  entry(index: number, at: number, line: number): void {
    if (at < this.#last - BACK_MILLISECONDS) this.#report.file("time_back", { line, index });
    this.#last = at;
    if (at <= this.#newest) return;
    this.#newest = at;
    for (let one = this.#covering.at(-1); one !== undefined && !coversTime(one.at, at); one = this.#covering.at(-1)) {
      this.#covering.pop();
      one.before = index;
    }
  }
}

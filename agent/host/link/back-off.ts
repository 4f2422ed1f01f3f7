/**
 * How long to wait before dialling again. It doubles with every failure and is jittered, so that a thousand hosts do
 * not come back in one instant; only a connection that lasted resets it (two clones with one certificate would
 * otherwise throw each other out several times a second, for ever).
 */

const FIRST_MILLISECONDS = 250;
export const LONGEST_MILLISECONDS = 30_000;
export const STABLE_MILLISECONDS = 30_000;

export class BackOff {
  readonly #random: () => number;
  #next = FIRST_MILLISECONDS;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Milliseconds to wait after a connection that was open for `openMilliseconds` (0: never came about). */
  after(openMilliseconds: number): number {
    if (openMilliseconds >= STABLE_MILLISECONDS) this.#next = FIRST_MILLISECONDS;
    const base = this.#next;
    this.#next = Math.min(this.#next * 2, LONGEST_MILLISECONDS);
    return Math.round(base * (0.5 + this.#random()));
  }
}

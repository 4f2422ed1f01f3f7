/**
 * How long to wait before dialling again. It doubles with every failure and is jittered over its whole length, so that
 * thousands of hosts that lost one edge in one instant do not come back in one; only a connection that lasted resets it (two
 * clones with one certificate would otherwise throw each other out several times a second, for ever).
 */

const FIRST_MILLISECONDS = 250;
export const LONGEST_MILLISECONDS = 30_000;
export const STABLE_MILLISECONDS = 30_000;
/** A part of the wait is certain: an edge that refuses at once must not be asked in a loop. */
const CERTAIN = 0.25;
const JITTER = 1.5;

export interface Ended {
  /** How long the connection was open; 0: it never came about. */
  readonly openMilliseconds: number;
  /** The edge sends its hosts away for a restart: they come back over this long, each at a moment of its own. */
  readonly spreadMilliseconds?: number;
}

export class BackOff {
  readonly #random: () => number;
  #next = FIRST_MILLISECONDS;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Milliseconds to wait after a connection. */
  after({ openMilliseconds, spreadMilliseconds = 0 }: Ended): number {
    if (openMilliseconds >= STABLE_MILLISECONDS) this.reset();
    const base = this.#next;
    this.#next = Math.min(this.#next * 2, LONGEST_MILLISECONDS);
    const wait = base * (CERTAIN + JITTER * this.#random());
    return Math.round(Math.max(wait, spreadMilliseconds * this.#random()));
  }

  /** What failed before says nothing about now: the machine was asleep. */
  reset(): void {
    this.#next = FIRST_MILLISECONDS;
  }
}

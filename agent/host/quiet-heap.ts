/**
 * Gives back, in quiet moments, what starting and the last commands left behind. The engine collects when it needs room,
 * which on an idle host is never, so that an agent would keep for months what it held in its busiest second. Knows
 * no process: sizes are passed in, and so is what collects.
 */

export const LOOK_MILLISECONDS = 10_000;
/** Bytes above what was left by the last collection: below that it is not worth a pause of some milliseconds. */
const WORTH_BYTES = 1_000_000;
/** More than this since the last look: something is under way, and a pause would be felt. */
const BUSY_BYTES = 400_000;

export interface Heap {
  /** Bytes in use, garbage included. */
  used(): number;
  collect(): void;
}

export class QuietHeap {
  readonly #heap: Heap;
  #left = 0;
  /** The first look comes long after the start, which leaves most. */
  #before = Infinity;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** Call every `LOOK_MILLISECONDS`. */
  look(): void {
    const used = this.#heap.used();
    const isQuiet = used - this.#before < BUSY_BYTES;
    this.#before = used;
    if (!isQuiet || used - this.#left < WORTH_BYTES) return;
    this.#heap.collect();
    this.#left = this.#heap.used();
    this.#before = this.#left;
  }
}

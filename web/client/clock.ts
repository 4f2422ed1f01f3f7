/**
 * Edge time, carried forward on the browser's monotonic clock. The browser's wall clock may be wrong by hours and
 * is never used: neither for what is shown nor for what is signed.
 */

/** Milliseconds since the page started; never jumps. */
export function monotonicMs(): number {
  return performance.now();
}

export class EdgeClock {
  #edgeSeconds = 0;
  #readMs = 0;

  /** Called with the edge's `now` of an answer that just arrived. */
  set(edgeSeconds: number): void {
    this.#edgeSeconds = edgeSeconds;
    this.#readMs = monotonicMs();
  }

  /** Whole seconds since 1970 on the edge's clock; 0 before the first answer. */
  now(): number {
    if (this.#edgeSeconds === 0) return 0;
    return this.#edgeSeconds + Math.floor((monotonicMs() - this.#readMs) / 1000);
  }
}

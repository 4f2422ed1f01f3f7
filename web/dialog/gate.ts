/**
 * When the approve button counts as seen. A page that is pushed under somebody's finger, a window that was just
 * brought forward, or a key still held from the button before must not become an approval.
 */

/** The button is visible in a focused window for this long before a press counts. */
export const SEEN_MS = 500;

/** Follows one button. Every interruption starts the time again. */
export class Gate {
  #seenSinceMs: number | undefined;

  /** Called with what is so at `nowMs`, as often as anything may have changed. */
  look(seen: boolean, nowMs: number): void {
    if (!seen) this.#seenSinceMs = undefined;
    else this.#seenSinceMs ??= nowMs;
  }

  isOpen(nowMs: number): boolean {
    return this.#seenSinceMs !== undefined && nowMs - this.#seenSinceMs >= SEEN_MS;
  }
}

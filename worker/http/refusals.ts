/**
 * What this isolate remembers of refusals, so that somebody who hammers costs no call of an object each time. It knows
 * only what the object that counts has said, and forgets soon, so that an end of a ban is heard of.
 */

/** A table full at once is an attack from many sides: what does not fit is asked for again. */
const MAX_KEYS = 5_000;
/** Milliseconds. */
const MEMORY = 10_000;

export interface Remembered<T> {
  readonly refusal: T;
  /** Milliseconds. */
  readonly until: number;
}

export class Refusals<T> {
  /** In memory only. */
  readonly #held = new Map<string, Remembered<T>>();

  /** What was refused and still is; `now`: milliseconds. */
  find(key: string, now: number): Remembered<T> | undefined {
    const held = this.#held.get(key);
    return held !== undefined && held.until > now ? held : undefined;
  }

  remember(key: string, { refusal, until }: Remembered<T>, now: number): void {
    if (this.#held.size >= MAX_KEYS)
      for (const [known, one] of this.#held) if (one.until <= now) this.#held.delete(known);
    if (this.#held.size < MAX_KEYS) this.#held.set(key, { refusal, until: Math.min(until, now + MEMORY) });
  }

  forget(): void {
    this.#held.clear();
  }
}

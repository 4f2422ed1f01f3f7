/**
 * Counts attempts per key in fixed windows, in this isolate's memory and bounded against floods of keys. It slows noise
 * down; nothing's safety may rest on it.
 */

/** A table full within one window is an attack from many sides: newcomers are refused until it passes. */
const MAX_KEYS = 5_000;

export interface Allowance {
  readonly attempts: number;
  readonly seconds: number;
}

interface Window {
  readonly until: number;
  count: number;
}

export class Attempts {
  /** In memory only. */
  readonly #windows = new Map<string, Window>();

  /** One more attempt; false when there are none left. `now`: seconds. */
  take(key: string, { attempts, seconds }: Allowance, now: number): boolean {
    const open = this.#windows.get(key);
    if (open !== undefined && open.until > now) {
      open.count += 1;
      return open.count <= attempts;
    }
    this.#forget(now);
    if (this.#windows.size >= MAX_KEYS) return false;
    this.#windows.set(key, { until: now + seconds, count: 1 });
    return true;
  }

  #forget(now: number): void {
    for (const [key, { until }] of this.#windows) if (until <= now) this.#windows.delete(key);
  }
}

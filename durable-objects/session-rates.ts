/**
 * What each session, and each automation key, has left of its rates. In memory: an object that forgets was not asked for
 * minutes, and whoever is counted here has proven who they are. One stolen session uses up its own and no other's.
 */
import { countCall, type Rate, type RateName, type Standing } from "../protocol/rates.ts";

export interface NamedRate {
  readonly name: RateName;
  readonly rate: Rate;
}

/** Sessions and keys are few; a table that grows beyond this is swept of those that rest. */
const MAX_BUCKETS = 4_096;

export class SessionRates {
  /** In memory only. */
  readonly #full = new Map<string, number>();

  /** One more call towards all of `rates`. When one of them has none left, nothing is used of any. `now`: milliseconds. */
  take(who: string, rates: readonly NamedRate[], now: number): readonly Standing[] {
    if (this.#full.size >= MAX_BUCKETS) for (const [key, full] of this.#full) if (full <= now) this.#full.delete(key);
    const counted = rates.map(({ name, rate }) => {
      const key = `${name} ${who}`;
      return { key, ...countCall(name, rate, { full: this.#full.get(key) ?? 0, now }) };
    });
    if (counted.every(({ standing }) => standing.isAllowed))
      for (const { key, full } of counted) this.#full.set(key, full);
    return counted.map(({ standing }) => standing).toSorted((a, b) => tightness(a) - tightness(b));
  }
}

/** What is refused first, then what has least left. */
function tightness({ isAllowed, remaining, rate }: Standing): number {
  return isAllowed ? remaining / rate.burst : -1;
}

/**
 * Counts attempts per key, in memory bounded against floods of keys, by the same table and arithmetic as the Worker, and
 * says so in the same fields. It slows noise down; nothing's safety may rest on it.
 */
import { countCall, rateLimitFields, rates, type RateName } from "../../protocol/rates.ts";

/** A table full of callers who are all still counted is an attack from many addresses: newcomers wait until it passes. */
const MAX_KEYS = 1_000;

export interface RateVerdict {
  readonly isAllowed: boolean;
  /** For the answer; with Retry-After where it is refused. */
  readonly headers: Readonly<Record<string, string>>;
}

export function createRateLimit(name: RateName, now: () => Date): (key: string) => RateVerdict {
  const buckets = new Map<string, number>();
  const hasRoom = (time: number): boolean => {
    if (buckets.size < MAX_KEYS) return true;
    for (const [key, full] of buckets) if (full <= time) buckets.delete(key);
    return buckets.size < MAX_KEYS;
  };
  return (key) => {
    const time = now().getTime();
    const held = buckets.get(key);
    if (held === undefined && !hasRoom(time)) return { isAllowed: false, headers: { "retry-after": "60" } };
    const { full, standing } = countCall(name, rates[name], { full: held ?? 0, now: time });
    buckets.set(key, full);
    const fields = rateLimitFields([standing]);
    if (standing.isAllowed) return { isAllowed: true, headers: fields };
    return { isAllowed: false, headers: { ...fields, "retry-after": String(Math.max(1, standing.waitSeconds)) } };
  };
}

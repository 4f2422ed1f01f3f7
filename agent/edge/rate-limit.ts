/**
 * Counts attempts per key in fixed windows of a minute, in memory bounded against floods of keys. It slows noise
 * down; nothing's safety may rest on it.
 */

const WINDOW_MILLISECONDS = 60_000;
/** A table full within one minute is an attack from many addresses: newcomers are refused until it passes. */
const MAX_KEYS = 1_000;

export function createRateLimit(perMinute: number, now: () => Date): (key: string) => boolean {
  const counts = new Map<string, number>();
  let windowStart = now().getTime();
  return (key) => {
    const time = now().getTime();
    // A clock set back starts a new window too, or it would lock everybody out.
    if (time - windowStart >= WINDOW_MILLISECONDS || time < windowStart) {
      counts.clear();
      windowStart = time;
    }
    const count = (counts.get(key) ?? 0) + 1;
    if (count > perMinute || (count === 1 && counts.size >= MAX_KEYS)) return false;
    counts.set(key, count);
    return true;
  };
}

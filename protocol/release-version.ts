/** How releases of Clawhold itself are numbered, and which of two is the newer one. Pure; imports nothing of ours. */
import * as v from "valibot";

const VERSION = /^(\d{1,5})\.(\d{1,5})\.(\d{1,5})$/;

/** No suffix, so that there is one order. */
export const releaseVersion = v.pipe(v.string(), v.regex(VERSION));

/** Negative when `a` is older. Both fit `releaseVersion`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => VERSION.exec(text)?.slice(1).map(Number) ?? []);
  for (const at of [0, 1, 2]) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

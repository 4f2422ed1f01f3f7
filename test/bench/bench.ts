/** What a bench gives: rows with a baseline measured in the same run, so that a machine's speed cancels out. */

export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline: { readonly name: string; readonly value: number } | undefined;
  /** value / baseline. */
  readonly ratio: number | undefined;
  /** The largest acceptable ratio (or value, without a baseline); undefined where none is set yet. */
  readonly target: number | undefined;
  readonly ok: boolean | undefined;
}

export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline?: { readonly name: string; readonly value: number };
  readonly target?: number;
}

export function row({ name, value, unit, baseline, target }: Measured): Row {
  const ratio = baseline === undefined ? undefined : value / baseline.value;
  const judged = ratio ?? value;
  return { name, value, unit, baseline, ratio, target, ok: target === undefined ? undefined : judged <= target };
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Rows, or why it could not be measured here. */
  run(): Promise<readonly Row[] | { readonly skipped: string }>;
}

export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
  if (value === undefined) throw new RangeError("percentile of nothing");
  return value;
}

export async function timed(times: number, work: () => Promise<void>): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    taken.push(performance.now() - started);
  }
  return taken;
}

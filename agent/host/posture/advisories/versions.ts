/**
 * The order of the gateway's releases. It looks like semantic versioning and is not: `2026.7.1-2` is a correction that came AFTER
 * `2026.7.1`, while `2026.7.1-beta.2` came before it. Whoever compares them as semver reports a corrected gateway as older, or a
 * beta as newer, than it is. Pure.
 */

interface Release {
  readonly numbers: readonly [number, number, number];
  /** Below 0: before the release. 0: the release. Above: its corrections. */
  readonly phase: number;
  /** Within that phase. */
  readonly count: number;
}

const RELEASE = /^v?(\d{1,5})\.(\d{1,4})\.(\d{1,5})(?:-(.{1,32}))?$/;
const CORRECTION = /^\d{1,4}$/;
/** `beta.1`, and `beta3` as in the days of 2.0.0. */
const EARLY = /^(alpha|beta|rc|next|canary|dev|nightly)(?:[.-]?(\d{1,10}))?(?:[.-].*)?$/i;
const EARLY_PHASES = ["dev", "nightly", "canary", "next", "alpha", "beta", "rc"];

function parse(text: string): Release | undefined {
  const [, year, month, patch, suffix] = RELEASE.exec(text) ?? [];
  if (year === undefined || month === undefined || patch === undefined) return undefined;
  const numbers = [Number(year), Number(month), Number(patch)] as const;
  if (suffix === undefined) return { numbers, phase: 0, count: 0 };
  if (CORRECTION.test(suffix)) return { numbers, phase: 1, count: Number(suffix) };
  const [, label, count] = EARLY.exec(suffix) ?? [];
  if (label === undefined) return undefined;
  const phase = EARLY_PHASES.indexOf(label.toLowerCase()) - EARLY_PHASES.length;
  return { numbers, phase, count: Number(count ?? 0) };
}

export function isReleaseVersion(text: string): boolean {
  return parse(text) !== undefined;
}

/** Negative: `left` came before `right`. Undefined: one of them is no release that we know how to place. */
export function compareReleases(left: string, right: string): number | undefined {
  const [a, b] = [parse(left), parse(right)];
  if (a === undefined || b === undefined) return undefined;
  for (const at of [0, 1, 2] as const) {
    const difference = a.numbers[at] - b.numbers[at];
    if (difference !== 0) return difference;
  }
  return a.phase - b.phase || a.count - b.count;
}

export interface Range {
  /** The first release that has the fault; "0": from the beginning. */
  readonly introduced: string;
  /** The first that has it no more. */
  readonly fixed: string;
}

/** Whether the fault is in this version: introduced <= version < fixed. A version that cannot be placed is taken to have it. */
export function isAffected(version: string, { introduced, fixed }: Range): boolean {
  const sinceFix = compareReleases(version, fixed);
  if (sinceFix === undefined) return true;
  if (sinceFix >= 0) return false;
  return introduced === "0" || (compareReleases(version, introduced) ?? 0) >= 0;
}

/**
 * Which versions of the gateway this agent has been tried with. One that is newer, or older, is read and stopped, never
 * changed. The gateway's numbers look like semantic versions and are not: a hot fix has a suffix and is newer than the
 * version without, and patch numbers from 33 on are the line that is kept alive beside the current one. That line was tried and
 * is not known: its gateway has no name for the configuration that runs, which a change has to pin.
 */

export type VersionSupport = "known" | "newer" | "older";

/** The release of which every minor was tried, as year and month. */
const CURRENT = [2026, 9] as const;
/** Year, month, patch; `-2` is a hot fix, anything else behind a hyphen was never released for good. */
const VERSION = /^(\d{4})\.(\d{1,2})\.(\d{1,4})(?:-(?:(\d{1,4})|[0-9A-Za-z.-]{1,32}))?$/;

export interface Release {
  readonly year: number;
  readonly month: number;
  readonly patch: number;
  /** Of the same patch; 0 without one. */
  readonly fix: number;
  readonly isPrerelease: boolean;
}

export function releaseOf(version: string): Release | undefined {
  const found = VERSION.exec(version);
  if (found === null) return undefined;
  const [year = 0, month = 0, patch = 0] = found.slice(1, 4).map(Number);
  const fix = found[4];
  return { year, month, patch, fix: Number(fix ?? 0), isPrerelease: version.includes("-") && fix === undefined };
}

/** What does not look like a version of this gateway may be anything, so it counts as one that we do not know yet. */
export function supportOf(version: string): VersionSupport {
  const release = releaseOf(version);
  if (release === undefined) return "newer";
  const age = monthsBefore(release);
  if (age < 0 || (age === 0 && release.isPrerelease)) return "newer";
  return age === 0 ? "known" : "older";
}

/** How many months lie between a release and the current one; negative when it is later. */
export function monthsBefore({ year, month }: Release): number {
  const [currentYear, currentMonth] = CURRENT;
  return (currentYear - year) * 12 + (currentMonth - month);
}

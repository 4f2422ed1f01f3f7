/** Names of a release: its files, where an edge serves them, and how versions are compared. Reads nothing. */
import * as v from "valibot";

/** What an edge hands out, and nothing else. */
export const RELEASE_FILES = ["install.sh", "clawhold.tar.gz", "release.json"] as const;
export type ReleaseFile = (typeof RELEASE_FILES)[number];

export function releasePath(version: string, file: ReleaseFile): string {
  return `/install/${version}/${file}`;
}

/** A build of ours is under a megabyte; a hostile edge must not fill a disk. */
export const MAX_BUNDLE_BYTES = 32 * 1_024 * 1_024;

const VERSION = /^(\d{1,5})\.(\d{1,5})\.(\d{1,5})$/;

export const releaseVersion = v.pipe(v.string(), v.regex(VERSION));

/** Negative when `a` is older. Both fit `releaseVersion`: no suffix, so there is one order. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => VERSION.exec(text)?.slice(1).map(Number) ?? []);
  for (const at of [0, 1, 2]) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

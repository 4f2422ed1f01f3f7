/** Names of a release's files, and where an edge serves them. Reads nothing. */

/** What an edge hands out, and nothing else. */
export const RELEASE_FILES = ["install.sh", "clawhold.tar.gz", "release.json"] as const;
export type ReleaseFile = (typeof RELEASE_FILES)[number];

export function releasePath(version: string, file: ReleaseFile): string {
  return `/install/${version}/${file}`;
}

/** A build of ours is under a megabyte; a hostile edge must not fill a disk. */
export const MAX_BUNDLE_BYTES = 32 * 1_024 * 1_024;

/**
 * What a backup says about itself: which program made it, which layout and which schema it holds, and the digest of every
 * file. Closed: a file that is not listed, or a path that leads elsewhere, is refused. The digests find damage; they are
 * not signed, so whoever can write the backup can write them too.
 */

import * as v from "valibot";

/** A directory of the data directory that a backup holds. The rest is made anew (`run`, `log`) or fetched (`demo`). */
export const KEPT_DIRECTORIES = ["keys", "d1", "do", "host", "signer"] as const;

export const MANIFEST = "manifest.json";
/** A workspace of 100,000 hosts has a database for each; a longer list is no backup of ours. */
const MAX_FILES = 250_000;

/** Below the data directory, with `/`. No name begins with a dot, so none leads out. */
const PATH = /^(?:version|(?:keys|d1|do|host|signer)(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){1,8})$/;

export function isKeptPath(path: string): boolean {
  return PATH.test(path);
}

const manifestSchema = v.strictObject({
  v: v.literal(1),
  /** Of the program that made it. */
  clawhold: v.pipe(v.string(), v.regex(/^[0-9A-Za-z.+-]{1,64}$/)),
  /** The moment that it shows, ISO 8601. */
  at: v.pipe(v.string(), v.isoTimestamp()),
  dataVersion: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** Migrations that the database has, in order. */
  migrations: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[0-9A-Za-z._-]{1,128}$/))), v.maxLength(10_000)),
  files: v.pipe(
    v.array(
      v.strictObject({
        path: v.pipe(v.string(), v.check(isKeptPath)),
        bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        /** Lower-case hex, as sha256sum prints it. */
        sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      }),
    ),
    v.maxLength(MAX_FILES),
  ),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;
export type ManifestFile = Manifest["files"][number];

export function encodeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 1)}\n`;
}

/** Undefined for what is no manifest of this version. */
export function decodeManifest(text: string): Manifest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const result = v.safeParse(manifestSchema, value);
  if (!result.success) return undefined;
  const paths = new Set(result.output.files.map(({ path }) => path));
  return paths.size === result.output.files.length && paths.has("version") ? result.output : undefined;
}

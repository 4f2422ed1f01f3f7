/**
 * A release as whoever makes Clawhold signs it, with a key that no server has: which version, and the SHA-256 of its archive.
 * A host believes the key that it was installed with, and nobody who brings the file.
 */
import * as v from "valibot";
import { fromBase64url } from "./bytes.ts";
import { codec, fingerprint, publicKey, signature, someBytes, version } from "./fields.ts";
import { releaseVersion } from "./release-version.ts";
import { verifySignature } from "./signing.ts";

export { compareVersions, releaseVersion } from "./release-version.ts";

const releaseSchema = v.strictObject({ v: version, version: releaseVersion, sha256: fingerprint });
export type Release = v.InferOutput<typeof releaseSchema>;
/** What is signed. */
export const releaseCodec = codec(releaseSchema);

/** `release.json`, beside the archive. */
export const signedReleaseCodec = codec(v.strictObject({ v: version, release: someBytes(512), signature }));

/** `release-key.json`, in the archive: pinned when a host is installed by hand, never taken from an update. */
export const releaseKeyCodec = codec(v.strictObject({ v: version, publicKey }));

/** Undefined unless this very key signed it. @throws {MalformedError} */
export async function verifyRelease(file: Uint8Array, key: string): Promise<Release | undefined> {
  const signed = signedReleaseCodec.decode(file);
  const body = fromBase64url(signed.release);
  const isSigned = await verifySignature({ kind: "release", body, signature: signed.signature, publicKey: key });
  return isSigned ? releaseCodec.decode(body) : undefined;
}

/** What an edge hands out to machines that are not joined yet, and nothing else. */
export const RELEASE_FILES = ["install.sh", "clawhold.tar.gz", "release.json"] as const;
export type ReleaseFile = (typeof RELEASE_FILES)[number];

export function releasePath(ofVersion: string, file: ReleaseFile): string {
  return `/install/${ofVersion}/${file}`;
}

/** Of a request's path: true for one that `releasePath` could have made. */
export function isReleasePath(path: string): boolean {
  const [, top, ofVersion = "", file, ...rest] = path.split("/");
  return (
    top === "install" &&
    v.is(releaseVersion, ofVersion) &&
    RELEASE_FILES.some((one) => one === file) &&
    rest.length === 0
  );
}

/** A build of ours is under a megabyte; a hostile edge must not fill a disk. */
export const MAX_BUNDLE_BYTES = 32 * 1_024 * 1_024;

/** Beside the dashboard's own files, where somebody signs releases: what a page may offer. A host believes its own pin alone. */
export const RELEASE_PAGE_FILES = { release: "release.json", key: "release-key.json" } as const;

/**
 * Signs releases, on a machine that is no server: makes the key once, and for each release the file that hosts demand. The secret
 * half is a file of its owner's alone and goes nowhere.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { toBase64url } from "../../protocol/bytes.ts";
import { RELEASE_PAGE_FILES, releaseCodec, releaseKeyCodec, signedReleaseCodec } from "../../protocol/release.ts";
import { preAuthenticationEncoding } from "../../protocol/signing.ts";

/** The raw key is at the end of its DER form (RFC 8410). */
const RAW_KEY_BYTES = 32;

/** Never over a file that is there. @throws for one that is */
export function makeReleaseKey(secretPath: string, publicPath: string): void {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(secretPath, privateKey.export({ type: "pkcs8", format: "pem" }), { flag: "wx", mode: 0o600 });
  writeFileSync(publicPath, publicFile(publicKey), { flag: "wx" });
}

function publicFile(key: KeyObject): Uint8Array {
  const raw = key.export({ type: "spki", format: "der" }).subarray(-RAW_KEY_BYTES);
  return releaseKeyCodec.encode({ v: 1, publicKey: toBase64url(raw) });
}

/**
 * Writes `release.json` beside the archive of a release, and for the dashboard of the same build, so that a page knows which
 * release there is. @throws {TypeError} for a key that others can read
 */
export function signRelease(directory: string, secretPath: string): void {
  if ((lstatSync(secretPath).mode & 0o077) !== 0)
    throw new TypeError(`${secretPath} is open to others. If you still trust it, type: chmod 600 ${secretPath}`);
  const key = createPrivateKey(readFileSync(secretPath));
  const archive = readFileSync(path.join(directory, "clawhold.tar.gz"));
  const version = readFileSync(path.join(directory, "version"), "utf8").trim();
  const sha256 = createHash("sha256").update(archive).digest("hex");
  const body = releaseCodec.encode({ v: 1, version, sha256 });
  const signature = sign(null, preAuthenticationEncoding("release", body), key);
  const file = signedReleaseCodec.encode({ v: 1, release: toBase64url(body), signature: toBase64url(signature) });
  writeFileSync(path.join(directory, "release.json"), file);
  const web = path.join(directory, "..", "web");
  if (!existsSync(path.join(web, "index.html"))) return;
  writeFileSync(path.join(web, RELEASE_PAGE_FILES.release), file);
  writeFileSync(path.join(web, RELEASE_PAGE_FILES.key), publicFile(createPublicKey(key)));
}

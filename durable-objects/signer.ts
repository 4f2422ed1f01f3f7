/** Ed25519 signing with a seed, inside workerd. The seed stays in this closure as a non-extractable key. */
import { getPublicKeyAsync } from "@noble/ed25519";
import { concatBytes, fromBase64url, fromHex, toBase64url } from "../protocol/bytes.ts";
import type { NoteSigner } from "../protocol/note.ts";
import { preAuthenticationEncoding, type Signer } from "../protocol/signing.ts";

const SEED_BYTES = 32;
/** RFC 8410: PrivateKeyInfo of an Ed25519 seed up to the seed. WebCrypto takes private keys only in such a wrapper. */
const PKCS8_PREFIX = fromHex("302e020100300506032b657004220420");

/** @throws {TypeError} when the configured seed is not 32 bytes: the deployment is wrong, nothing can be signed. */
export async function seedSigner(seed: string): Promise<Signer> {
  const { key, publicKey } = await openSeed(seed);
  return {
    publicKey,
    async sign(kind, body) {
      const signature = await crypto.subtle.sign("Ed25519", key, preAuthenticationEncoding(kind, body));
      return toBase64url(new Uint8Array(signature));
    },
  };
}

/** The ledger key: it signs notes and nothing else. @throws {TypeError} */
export async function seedNoteSigner(seed: string): Promise<NoteSigner> {
  const { key, publicKey } = await openSeed(seed);
  return {
    publicKey,
    async signNote(message) {
      return new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
    },
  };
}

async function openSeed(seed: string): Promise<{ readonly key: CryptoKey; readonly publicKey: string }> {
  const [key, publicKey] = await Promise.all([
    crypto.subtle.importKey("pkcs8", concatBytes(PKCS8_PREFIX, seedBytes(seed)), "Ed25519", false, ["sign"]),
    publicKeyOf(seed),
  ]);
  return { key, publicKey };
}

/** base64url. @throws {TypeError} */
export async function publicKeyOf(seed: string): Promise<string> {
  return toBase64url(await getPublicKeyAsync(seedBytes(seed)));
}

function seedBytes(seed: string): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = fromBase64url(seed);
  } catch {
    throw new TypeError("seed: not base64url"); // the cause would quote the secret
  }
  if (bytes.length !== SEED_BYTES) throw new TypeError("seed: not 32 bytes");
  return bytes;
}

/** Signers over a raw Ed25519 seed. The seed stays in Node's key object; nothing here hands it out. */
import { createPrivateKey, createPublicKey, sign, type KeyObject } from "node:crypto";
import { toBase64url } from "../../protocol/bytes.ts";
import type { NoteSigner } from "../../protocol/note.ts";
import { preAuthenticationEncoding, type Signer } from "../../protocol/signing.ts";

/** PKCS#8 wrapping of a raw Ed25519 seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);

/** Signs PAE(kind, body) with the Ed25519 key of a 32-byte seed. */
export function signerOf(seed: Uint8Array): Signer {
  const key = keyOf(seed);
  return {
    publicKey: publicHalf(key),
    sign: (kind, body) => Promise.resolve(toBase64url(sign(null, preAuthenticationEncoding(kind, body), key))),
  };
}

/** Signs notes, and nothing that could be taken for one of our other messages. */
export function noteSignerOf(seed: Uint8Array): NoteSigner {
  const key = keyOf(seed);
  return {
    publicKey: publicHalf(key),
    signNote: (message) => Promise.resolve(new Uint8Array(sign(null, message, key))),
  };
}

function keyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
}

function publicHalf(key: KeyObject): string {
  return toBase64url(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32));
}

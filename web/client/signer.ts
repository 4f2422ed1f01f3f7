/** Keys that sign in the page: the session key (WebCrypto, non-extractable) and, once, the setup key's seed. */
import { toBase64url } from "../../protocol/bytes.ts";
import { preAuthenticationEncoding, type MessageKind, type Signer } from "../../protocol/signing.ts";
import { arrived } from "./late.ts";

export async function makeSessionKeys(): Promise<{ readonly keys: CryptoKeyPair; readonly publicKey: string }> {
  const keys = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
  if (!("privateKey" in keys)) throw new TypeError("Ed25519 gave no key pair");
  const raw = await crypto.subtle.exportKey("raw", keys.publicKey);
  return { keys, publicKey: toBase64url(new Uint8Array(raw)) };
}

export function sessionSigner(keys: CryptoKeyPair, publicKey: string): Signer {
  return {
    publicKey,
    async sign(kind: MessageKind, body: Uint8Array): Promise<string> {
      const message = preAuthenticationEncoding(kind, body);
      return toBase64url(new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, keys.privateKey, message)));
    },
  };
}

/**
 * The setup key lives in the link's fragment; WebCrypto cannot import a bare seed, noble can. Needed once in a
 * workspace's life, so it is fetched then. @throws {TroubleError} when it does not arrive
 */
export async function seedSigner(seed: Uint8Array): Promise<Signer> {
  const ed = await arrived(import("@noble/ed25519"));
  return {
    publicKey: toBase64url(await ed.getPublicKeyAsync(seed)),
    async sign(kind, body) {
      return toBase64url(await ed.signAsync(preAuthenticationEncoding(kind, body), seed));
    },
  };
}

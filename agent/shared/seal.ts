/**
 * The host's half of sealing, and the one door to the HPKE library here: keys that live as long as one challenge, and
 * answers to the key of one question. What binds a ciphertext to its place is protocol/seal.ts.
 * May not: keep a key, write one anywhere, or hand out a private half.
 */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { concatBytes, toBase64url } from "../../protocol/bytes.ts";
import { ENCAPSULATED_BYTES, partData } from "../../protocol/seal.ts";

/** An X25519 key in memory alone. */
export interface SealKey {
  /** base64url. */
  readonly publicKey: string;
  /** What was sealed to it under this `info`; undefined when it was not, or was changed. */
  open(sealed: Uint8Array, info: Uint8Array<ArrayBuffer>): Promise<Uint8Array | undefined>;
}

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/** WebCrypto keeps the private half, and no code can export it. */
export async function makeSealKey(): Promise<SealKey> {
  const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  if (!("privateKey" in pair)) throw new TypeError("X25519 makes pairs");
  const publicKey = toBase64url(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
  return {
    publicKey,
    async open(sealed, info) {
      const enc = sealed.slice(0, ENCAPSULATED_BYTES);
      try {
        const context = await suite.createRecipientContext({ recipientKey: pair, enc, info });
        return new Uint8Array(await context.open(sealed.slice(ENCAPSULATED_BYTES)));
      } catch {
        return undefined; // the library throws for everything that was not sealed exactly so
      }
    },
  };
}

export interface Recipient {
  /** The raw public key of whoever asked. */
  readonly replyKey: Uint8Array;
  readonly info: Uint8Array<ArrayBuffer>;
}

/** The parts under one context, in sequence; the first begins with the encapsulated key. Undefined: no key of X25519. */
export async function sealParts(
  { replyKey, info }: Recipient,
  parts: readonly Uint8Array[],
): Promise<readonly Uint8Array[] | undefined> {
  const sealing = await senderOf(replyKey.slice(), info);
  if (sealing === undefined) return undefined;
  const sealed: Uint8Array[] = [];
  for (const [part, text] of parts.entries()) {
    const ciphertext = new Uint8Array(await sealing.seal(text.slice(), partData(part, part === parts.length - 1)));
    sealed.push(part === 0 ? concatBytes(new Uint8Array(sealing.enc), ciphertext) : ciphertext);
  }
  return sealed;
}

/** Some points give every secret the same value; the platform refuses them, and so do we. */
async function senderOf(replyKey: Uint8Array<ArrayBuffer>, info: Uint8Array<ArrayBuffer>) {
  try {
    const recipientPublicKey = await suite.kem.deserializePublicKey(replyKey);
    return await suite.createSenderContext({ recipientPublicKey, info });
  } catch {
    return undefined;
  }
}

/**
 * The page's half of sealing, and the one door to the HPKE library here: texts for one challenge of one host, and answers
 * to the key of one question. What binds a ciphertext to its place is protocol/seal.ts.
 * May not: keep a key beyond the one question that it was made for.
 */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { concatBytes, toBase64url } from "../../protocol/bytes.ts";
import { ENCAPSULATED_BYTES, partData } from "../../protocol/seal.ts";

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/** @throws when `sealKey` is no key of X25519. */
export async function sealTo(
  sealKey: Uint8Array,
  info: Uint8Array<ArrayBuffer>,
  text: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(sealKey.slice());
  const sealing = await suite.createSenderContext({ recipientPublicKey, info });
  const ciphertext = new Uint8Array(await sealing.seal(text.slice()));
  return concatBytes(new Uint8Array(sealing.enc), ciphertext);
}

/** Made for one question; its private half cannot be exported and goes with this object. */
export interface ReplyKey {
  /** base64url. */
  readonly publicKey: string;
  /** The texts of all parts, in order; undefined when any was changed, left out, added or moved. */
  open(info: Uint8Array<ArrayBuffer>, parts: readonly Uint8Array[]): Promise<readonly Uint8Array[] | undefined>;
}

export async function makeReplyKey(): Promise<ReplyKey> {
  const pair = (await crypto.subtle.generateKey("X25519", false, ["deriveBits"])) as CryptoKeyPair;
  const publicKey = toBase64url(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
  return {
    publicKey,
    async open(info, [first = new Uint8Array(), ...others]) {
      const enc = first.slice(0, ENCAPSULATED_BYTES);
      const sealed = [first.slice(ENCAPSULATED_BYTES), ...others.map((part) => part.slice())];
      try {
        const opening = await suite.createRecipientContext({ recipientKey: pair, enc, info });
        const texts: Uint8Array[] = [];
        for (const [part, ciphertext] of sealed.entries())
          texts.push(new Uint8Array(await opening.open(ciphertext, partData(part, part === sealed.length - 1))));
        return texts;
      } catch {
        return undefined; // the library throws for everything that was not sealed exactly so
      }
    },
  };
}

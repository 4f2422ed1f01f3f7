/** Six words that name a host key in a workspace: compared by a person, on the host and in the signer. */
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { digestBytes, digestOf } from "./signing.ts";
import { encodeCanonical } from "./canonical.ts";

const WORDS = 6;
const BITS_PER_WORD = 11;

export interface HostIdentity {
  /** base64url, raw Ed25519. */
  readonly hostKey: string;
  readonly workspace: string;
}

/** BIP-39 English words of the first 66 bits of digest({hostKey, workspace}). */
export function hostWords({ hostKey, workspace }: HostIdentity): readonly string[] {
  const bytes = digestBytes("host-words", encodeCanonical({ hostKey, workspace }));
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: WORDS }, (_, i) => {
    const index = Number.parseInt(bits.slice(i * BITS_PER_WORD, (i + 1) * BITS_PER_WORD), 2);
    const word = wordlist[index];
    if (word === undefined) throw new TypeError("word list shorter than 2048");
    return word;
  });
}

/** A host's id follows from its key, so that nobody has to hand ids out and two hosts cannot share one. */
export function hostIdOf(hostKey: string): string {
  const digest = digestOf("host-words", encodeCanonical({ hostKey }));
  const letters = digest.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return `h-${letters.slice(0, 20)}`;
}

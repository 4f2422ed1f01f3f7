/** Six words that name a host key in a workspace: compared by a person, on the host and in the signer. */
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { digestBytes } from "./signing.ts";
import { encodeCanonical } from "./canonical.ts";

export { automationKeyIdOf, hostIdOf } from "./key-ids.ts";

const WORDS = 6;
const BITS_PER_WORD = 11;

export interface HostIdentity {
  /** base64url, raw Ed25519. */
  readonly hostKey: string;
  readonly workspace: string;
}

/** BIP-39 English words of the first 66 bits of digest({hostKey, workspace}). */
export function hostWords({ hostKey, workspace }: HostIdentity): readonly string[] {
  return wordsOf(digestBytes("host-words", encodeCanonical({ hostKey, workspace })));
}

/** An invited person's passkey and the commitment to the name, before any statement adds them. */
export interface InvitedIdentity {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly name: string;
  readonly workspace: string;
}

/** The same for an invited person: both read them aloud, and a passkey put in their place reads otherwise. */
export function invitationWords({ credentialId, publicKey, name, workspace }: InvitedIdentity): readonly string[] {
  return wordsOf(digestBytes("invitation-words", encodeCanonical({ credentialId, publicKey, name, workspace })));
}

/** The same for an automation key that a machine made and an administrator grants. */
export function automationKeyWords(identity: {
  readonly publicKey: string;
  readonly workspace: string;
}): readonly string[] {
  const { publicKey, workspace } = identity;
  return wordsOf(digestBytes("automation-key-words", encodeCanonical({ publicKey, workspace })));
}

function wordsOf(bytes: Uint8Array): readonly string[] {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: WORDS }, (_, i) => {
    const index = Number.parseInt(bits.slice(i * BITS_PER_WORD, (i + 1) * BITS_PER_WORD), 2);
    const word = wordlist[index];
    if (word === undefined) throw new TypeError("word list shorter than 2048");
    return word;
  });
}

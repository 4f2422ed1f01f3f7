/** Ids that follow from keys. Apart from the words, whose list a page fetches only when it shows some. */
import { toHex, utf8 } from "./bytes.ts";
import { encodeCanonical } from "./canonical.ts";
import { digestOf, sha256Of } from "./signing.ts";

/** An automation key's id follows from its public key, likewise. */
export function automationKeyIdOf(publicKey: string): string {
  return `k-${toHex(sha256Of(utf8(publicKey))).slice(0, 20)}`;
}

/** A host's id follows from its key, so that nobody has to hand ids out and two hosts cannot share one. */
export function hostIdOf(hostKey: string): string {
  const digest = digestOf("host-words", encodeCanonical({ hostKey }));
  const letters = digest.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return `h-${letters.slice(0, 20)}`;
}

/**
 * Sealing: what the edge carries and may not read. HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
 * AES-256-GCM; the keys live as long as one challenge or one read, so that nothing captured can be opened later. Here is
 * what binds a ciphertext to its place; the cipher itself belongs to whoever has randomness (agent, page).
 *
 * A sealed text on the wire is the encapsulated key (32 bytes) and then the ciphertext.
 */
import { encodeCanonical } from "./canonical.ts";
import { utf8 } from "./bytes.ts";
import { preAuthenticationEncoding } from "./signing.ts";

export const ENCAPSULATED_BYTES = 32;
export const TAG_BYTES = 16;

interface SealPlace {
  readonly workspace: string;
  readonly host: string;
  readonly operation: string;
  readonly challenge: string;
}

/** HPKE `info` of sealed arguments: page to host. */
export function sealInfo({ workspace, host, operation, challenge }: SealPlace): Uint8Array<ArrayBuffer> {
  return preAuthenticationEncoding("seal", encodeCanonical({ workspace, host, operation, path: "content", challenge }));
}

interface ReplyPlace {
  readonly workspace: string;
  readonly host: string;
  /** Digest of the read. */
  readonly request: string;
}

/** HPKE `info` of a reading: host to page. One context a read; its parts are sealed in sequence. */
export function replyInfo({ workspace, host, request }: ReplyPlace): Uint8Array<ArrayBuffer> {
  return preAuthenticationEncoding("reply", encodeCanonical({ workspace, host, request }));
}

/** Additional data of a part: a reading that was cut short does not open as a whole one. */
export function partData(part: number, final: boolean): Uint8Array<ArrayBuffer> {
  return utf8(`${String(part)} ${final ? "final" : "more"}`);
}

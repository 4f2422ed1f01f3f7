/**
 * Sealing: what the edge carries and may not read. HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
 * AES-256-GCM; the keys live as long as one challenge or one read, so that nothing captured can be opened later. Here is
 * what binds a ciphertext to its place; the cipher itself belongs to whoever has randomness (agent, page).
 *
 * A sealed text on the wire is the encapsulated key (32 bytes) and then the ciphertext.
 */
import * as v from "valibot";
import { encodeCanonical, MalformedError, textAsWritten } from "./canonical.ts";
import { equalBytes, utf8, utf8Text } from "./bytes.ts";
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

/** The bytes that are sealed: canonical JSON. Unlike a signed message it may hold any text, such as several lines. */
export function encodeContent(schema: v.GenericSchema, content: unknown): Uint8Array<ArrayBuffer> {
  if (!fits(schema, content)) throw new MalformedError("content does not fit");
  return encodeCanonical(content);
}

/** @throws {MalformedError} unless the bytes are exactly what `encodeContent` writes for a value of this schema. */
export function decodeContent(schema: v.GenericSchema, bytes: Uint8Array): unknown {
  let content: unknown;
  try {
    content = JSON.parse(utf8Text(bytes));
  } catch {
    throw new MalformedError("not UTF-8 JSON"); // the parser's message could quote the content
  }
  if (!fits(schema, content) || !equalBytes(encodeCanonical(content), bytes))
    throw new MalformedError("not as written");
  return content;
}

function fits(schema: v.GenericSchema, content: unknown): boolean {
  const read = v.safeParse(schema, content, { abortEarly: true });
  return read.success && textAsWritten(content, read.output) !== undefined;
}

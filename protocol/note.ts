/**
 * Signed notes (C2SP signed-note) and cosignatures (C2SP tlog-cosignature): the text format in which transparency logs
 * and witnesses speak to each other, so that tools that are not ours can check what ours sign. These signatures cover
 * the note itself, not the encoding that all other messages use; the keys that make them sign nothing else.
 */
import { concatBytes, equalBytes, fromBase64url, toBase64url, utf8, utf8Text } from "./bytes.ts";
import { MalformedError } from "./canonical.ts";
import { verifyEd25519 } from "./ed25519.ts";
import { MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES } from "./limits.ts";
import { sha256Of } from "./signing.ts";

/** The byte between name and key in a key's id: what kind of signature the key makes. */
export const signatureTypes = { note: 0x01, cosignature: 0x04 } as const;
type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes];

const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
const TIMESTAMP_BYTES = 8;

/** Holds one Ed25519 key that signs notes, or one that cosigns them; nothing else. */
export interface NoteSigner {
  /** base64url, 32 bytes. */
  readonly publicKey: string;
  /** 64 bytes over exactly `message`. */
  signNote(message: Uint8Array): Promise<Uint8Array>;
}

export interface NoteSignature {
  readonly name: string;
  /** Key id and signature, as the line carries them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Note {
  /** Ends in a line end; the signatures cover it. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Whose signature is looked for: the key's name as the note says it, and the key. */
export interface NoteKey {
  readonly name: string;
  /** base64url, 32 bytes. */
  readonly publicKey: string;
}

export function encodeNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(({ name, bytes }) => `\u2014 ${name} ${toBase64(bytes)}\n`).join("")}`;
}

/** Closed: what the encoder would not have written is refused. @throws {MalformedError} */
export function decodeNote(encoded: string): Note {
  if (encoded.length > MAX_NOTE_BYTES || utf8(encoded).length > MAX_NOTE_BYTES)
    throw new MalformedError("note: too large");
  // Only line ends, in names too: any other control character would look different in a terminal than it is.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f\u007f]/.test(encoded)) throw new MalformedError("note: control character");
  const end = encoded.lastIndexOf("\n\n");
  if (end < 1) throw new MalformedError("note: no signatures");
  const text = encoded.slice(0, end + 1);
  const lines = encoded.slice(end + 2).split("\n");
  if (lines.pop() !== "") throw new MalformedError("note: no line end");
  if (lines.length === 0 || lines.length > MAX_NOTE_SIGNATURES) throw new MalformedError("note: signatures");
  return { text, signatures: lines.map(decodeSignature) };
}

/** A note inside a message of ours: base64url of its text, because canonical JSON takes no line ends. */
export function noteToWire(encoded: string): string {
  return toBase64url(utf8(encoded));
}

/** @throws {MalformedError} */
export function noteFromWire(text: string): string {
  try {
    return utf8Text(fromBase64url(text));
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw new MalformedError("note: not text");
    throw error;
  }
}

function decodeSignature(line: string): NoteSignature {
  const found = /^\u2014 ([^\s+]{1,128}) ([A-Za-z0-9+/]{8,}={0,2})$/u.exec(line);
  const [, name, encoded] = found ?? [];
  if (name === undefined || encoded === undefined) throw new MalformedError("note: signature line");
  return { name, bytes: fromBase64(encoded) };
}

/** The first four bytes of SHA-256 over name, line end, type and key. Collides easily: it only saves trying keys. */
export function keyId({ name, publicKey }: NoteKey, type: SignatureType): Uint8Array<ArrayBuffer> {
  const bytes = concatBytes(utf8(`${name}\n`), Uint8Array.of(type), fromBase64url(publicKey));
  return sha256Of(bytes).subarray(0, KEY_ID_BYTES);
}

export async function signNote(text: string, name: string, signer: NoteSigner): Promise<NoteSignature> {
  const id = keyId({ name, publicKey: signer.publicKey }, signatureTypes.note);
  return { name, bytes: concatBytes(id, await signer.signNote(utf8(text))) };
}

/** Whether this key signed the note. Lines of other keys, and of this name under another key, are passed over. */
export async function isSignedBy({ text, signatures }: Note, key: NoteKey): Promise<boolean> {
  const id = keyId(key, signatureTypes.note);
  const message = utf8(text);
  for (const { name, bytes } of signatures) {
    if (name !== key.name || bytes.length !== KEY_ID_BYTES + SIGNATURE_BYTES) continue;
    if (!equalBytes(bytes.subarray(0, KEY_ID_BYTES), id)) continue;
    const signature = bytes.slice(KEY_ID_BYTES);
    if (await verifyEd25519({ publicKey: fromBase64url(key.publicKey), signature, message })) return true;
  }
  return false;
}

export interface CosignInput {
  readonly text: string;
  readonly name: string;
  /** The witness's clock, seconds. */
  readonly at: number;
}

/** A witness's word that it saw this checkpoint at that time, and none before that contradicts it. */
export async function cosign({ text, name, at }: CosignInput, signer: NoteSigner): Promise<NoteSignature> {
  const id = keyId({ name, publicKey: signer.publicKey }, signatureTypes.cosignature);
  const timestamp = new Uint8Array(TIMESTAMP_BYTES);
  new DataView(timestamp.buffer).setBigUint64(0, BigInt(at));
  return { name, bytes: concatBytes(id, timestamp, await signer.signNote(cosignedMessage(text, at))) };
}

/** When this key says that it saw the checkpoint, seconds; the newest, or undefined when it did not cosign. */
export async function cosignedAt({ text, signatures }: Note, key: NoteKey): Promise<number | undefined> {
  const id = keyId(key, signatureTypes.cosignature);
  let newest: number | undefined;
  for (const { name, bytes } of signatures) {
    if (name !== key.name || bytes.length !== KEY_ID_BYTES + TIMESTAMP_BYTES + SIGNATURE_BYTES) continue;
    if (!equalBytes(bytes.subarray(0, KEY_ID_BYTES), id)) continue;
    const at = Number(new DataView(bytes.buffer, bytes.byteOffset + KEY_ID_BYTES, TIMESTAMP_BYTES).getBigUint64(0));
    if (!Number.isSafeInteger(at) || (newest !== undefined && at <= newest)) continue;
    const signature = bytes.slice(KEY_ID_BYTES + TIMESTAMP_BYTES);
    const message = cosignedMessage(text, at);
    if (await verifyEd25519({ publicKey: fromBase64url(key.publicKey), signature, message })) newest = at;
  }
  return newest;
}

function cosignedMessage(text: string, at: number): Uint8Array<ArrayBuffer> {
  return utf8(`cosignature/v1\ntime ${at}\n${text}`);
}

/** Standard base64 with padding, as the note format asks for. */
export function toBase64(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll("-", "+").replaceAll("_", "/");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** Strict inverse: one byte string has one text. @throws {MalformedError} */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    const bytes = fromBase64url(
      text
        .replace(/={1,2}$/, "")
        .replaceAll("+", "-")
        .replaceAll("/", "_"),
    );
    if (toBase64(bytes) === text) return bytes;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new MalformedError("base64: not what an encoder writes");
}

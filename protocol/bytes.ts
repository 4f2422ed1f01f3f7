/** Bytes and their text forms. Decoders refuse what the encoder would not have written. */
import { decodeUtf8, encodeUtf8 } from "./platform.ts";

export { decodeUtf8 as utf8Text, encodeUtf8 as utf8 };

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** By character code; -1 for what is not in the alphabet. */
const VALUE_OF = Int8Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)));

/** Base64url without padding (RFC 4648, section 5). */
export function toBase64url(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const characters = Math.min(bytes.length - i, 3) + 1;
    for (let k = 0; k < characters; k++) text += ALPHABET[(group >> (18 - 6 * k)) & 63];
  }
  return text;
}

/**
 * Strict inverse of {@link toBase64url}: no padding, no white space, and unused bits must be zero, so that
 * one byte string has one text.
 * @throws {RangeError} when the text is not canonical base64url.
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const remainder = text.length % 4;
  if (remainder === 1) throw new RangeError("base64url: impossible length");
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  const whole = text.length - remainder;
  let at = 0;
  for (let i = 0; i < whole; i += 4) {
    const group =
      (valueAt(text, i) << 18) | (valueAt(text, i + 1) << 12) | (valueAt(text, i + 2) << 6) | valueAt(text, i + 3);
    if (group < 0) throw new RangeError("base64url: foreign character");
    bytes[at++] = group >> 16;
    bytes[at++] = group >> 8;
    bytes[at++] = group;
  }
  if (remainder > 0) readRest(text, whole, bytes.subarray(at));
  return bytes;
}

/** Negative for a foreign character, and negative it stays when shifted and joined with others. */
function valueAt(text: string, i: number): number {
  return VALUE_OF[text.charCodeAt(i)] ?? -1;
}

/** The last two or three characters: one or two bytes, and bits that must be zero. */
function readRest(text: string, from: number, bytes: Uint8Array): void {
  const third = from + 2 < text.length ? valueAt(text, from + 2) : 0;
  const group = (valueAt(text, from) << 18) | (valueAt(text, from + 1) << 12) | (third << 6);
  if (group < 0) throw new RangeError("base64url: foreign character");
  const unused = bytes.length === 1 ? 0xffff : 0xff;
  if ((group & unused) !== 0) throw new RangeError("base64url: trailing bits");
  bytes[0] = group >> 16;
  if (bytes.length === 2) bytes[1] = group >> 8;
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @throws {RangeError} unless the text is lower-case hex of whole bytes. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new RangeError("hex: not lower-case hex");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Compares without an early exit, so that time does not tell where two values differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/**
 * Canonical JSON (RFC 8785): one meaning has one byte string. Decoding refuses every other spelling, duplicate
 * keys and numbers that JSON.parse would round included, because the re-encoded bytes then differ.
 */
import canonicalize from "canonicalize";
import { utf8, utf8Text } from "./bytes.ts";
import { MAX_DEPTH } from "./limits.ts";

export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** The bytes are not the canonical form of an acceptable object. `detail` names the rule, never the content. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

const KEY = /^[a-z][A-Za-z0-9]{0,31}$/;

/**
 * C0 and C1 controls, bidirectional controls, zero-width and other invisible characters: they make a text read
 * differently from what was signed. No field of ours needs them; free text is escaped before it is signed.
 * Code point ranges, inclusive.
 */
const DECEPTIVE_RANGES: readonly (readonly [number, number])[] = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202f],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];

/** With the u flag a pair is one character, so what is left here has no partner and no UTF-8. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;

function isDeceptive(character: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  return DECEPTIVE_RANGES.some(([low, high]) => point >= low && point <= high);
}

function hasDeceptiveCharacter(text: string): boolean {
  // Almost every string is printable ASCII; one test spares the walk.
  if (/^[ -~]*$/.test(text)) return false;
  if (LONE_SURROGATE.test(text)) throw new MalformedError("not representable");
  for (const character of text) if (isDeceptive(character)) return true;
  return false;
}

/** @throws {TypeError} for values JSON cannot hold: a programmer's mistake. */
export function encodeCanonical(value: unknown): Uint8Array<ArrayBuffer> {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("encodeCanonical: not a JSON value");
  return utf8(text);
}

/** @throws {MalformedError} unless the bytes are exactly the canonical form of an object of our subset. */
export function decodeCanonical(bytes: Uint8Array): JsonObject {
  return decodeCanonicalAs(bytes, (value) => value);
}

/**
 * The same, read by a schema: what it made of the bytes must have these very bytes as its canonical form. So one look
 * finds a second spelling as well as a schema that repaired without a word.
 */
export function decodeCanonicalAs<T>(bytes: Uint8Array, read: (value: JsonObject) => T): T {
  let text: string;
  let value: unknown;
  try {
    text = utf8Text(bytes);
    value = JSON.parse(text);
  } catch {
    throw new MalformedError("not UTF-8 JSON"); // the parser's message could quote the content
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new MalformedError("not an object");
  refuseForeignValues(value, 1);
  const result = read(value as JsonObject);
  if (canonicalText(result) !== text) throw new MalformedError("not canonical");
  return result;
}

/**
 * The canonical text of what `read`, a schema, makes of a value of our own: what any decoder takes, found without reading
 * it back. Members that are `undefined` are absent.
 * @throws {MalformedError} when no decoder would take it
 */
export function canonicalTextAs(value: unknown, read: (value: unknown) => unknown): string {
  const result = read(value);
  refuseForeignValues(result, 1);
  return canonicalText(result);
}

/**
 * The canonical text of `written` where `read`, what a schema made of it, still has the same; otherwise undefined. Schema
 * libraries repair without a word: ours takes an empty list for an object and drops members named like an object's own
 * machinery.
 */
export function textAsWritten(written: unknown, read: unknown): string | undefined {
  try {
    const text = canonicalize(read);
    return text === canonicalize(written) ? text : undefined;
  } catch {
    return undefined; // not JSON, so nobody wrote it
  }
}

/**
 * The canonical text of a value that refuseForeignValues let pass: keys in order, integers, and strings as JSON.stringify
 * writes them, which is how RFC 8785 does. UTF-8 was read without loss, so equal texts are equal bytes.
 */
function canonicalText(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  const members: string[] = [];
  for (const key of sortedKeys(value)) {
    const member = (value as JsonObject)[key];
    if (member !== undefined) members.push(`"${key}":${canonicalText(member)}`);
  }
  return `{${members.join(",")}}`;
}

/** Schemas that name their members in order give values that need no sorting. */
function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  for (let i = 1; i < keys.length; i += 1) if ((keys[i - 1] as string) > (keys[i] as string)) return keys.toSorted();
  return keys;
}

function refuseForeignValues(value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new MalformedError("too deep");
  switch (typeof value) {
    case "string":
      if (hasDeceptiveCharacter(value)) throw new MalformedError("deceptive character");
      return;
    case "number":
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new MalformedError("not a safe integer");
      return;
    case "boolean":
      return;
    case "object":
      if (value === null) throw new MalformedError("null");
      if (Array.isArray(value)) {
        for (const item of value) refuseForeignValues(item, depth + 1);
        return;
      }
      for (const [key, item] of Object.entries(value)) {
        if (!KEY.test(key)) throw new MalformedError("foreign key");
        if (item !== undefined) refuseForeignValues(item, depth + 1); // nothing that was parsed is
      }
      return;
    default:
      throw new MalformedError("foreign type");
  }
}

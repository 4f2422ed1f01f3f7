/**
 * Looks for secrets in bytes that should not hold them: as they are, escaped, in base64 at each of its three offsets, in
 * hexadecimal, percent-encoded, in UTF-16; and the same inside everything that looks compressed. What is found is named by
 * sink and offset, so that whoever leaked it can be found too.
 */
import { brotliDecompressSync, constants, inflateRawSync, inflateSync, zstdDecompressSync } from "node:zlib";

export interface Canary {
  /** Where it was planted. */
  readonly place: string;
  readonly text: string;
}

export interface Finding {
  readonly sink: string;
  readonly place: string;
  /** How it was written there. */
  readonly form: string;
  /** In the sink's bytes; inside something compressed, where that begins. */
  readonly offset: number;
}

interface Form {
  readonly form: string;
  readonly bytes: Buffer;
}

/** Shorter pieces of base64 would be found everywhere. */
const MIN_BYTES = 12;
/** Compressed inside compressed, twice: a backup of a log. */
const MAX_DEPTH = 2;
const MAX_EXPANDED_BYTES = 67_108_864;

export function formsOf({ text }: Canary): readonly Form[] {
  const plain = Buffer.from(text, "utf8");
  if (plain.length < MIN_BYTES) throw new TypeError(`the canary ${text} is too short to be told from chance`);
  const forms: Form[] = [
    { form: "plain", bytes: plain },
    { form: "hexadecimal", bytes: Buffer.from(plain.toString("hex")) },
    { form: "hexadecimal, capitals", bytes: Buffer.from(plain.toString("hex").toUpperCase()) },
    { form: "UTF-16", bytes: Buffer.from(text, "utf16le") },
    { form: "JSON", bytes: Buffer.from(JSON.stringify(text).slice(1, -1)) },
    { form: "percent", bytes: Buffer.from(encodeURIComponent(text)) },
    {
      form: "every byte percent",
      bytes: Buffer.from([...plain].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")),
    },
    { form: "reversed", bytes: Buffer.from(plain).reverse() },
  ];
  for (const offset of [0, 1, 2]) {
    const inner = base64Core(plain, offset);
    forms.push({ form: `base64, offset ${String(offset)}`, bytes: Buffer.from(inner) });
    const url = inner.replaceAll("+", "-").replaceAll("/", "_");
    if (url !== inner) forms.push({ form: `base64url, offset ${String(offset)}`, bytes: Buffer.from(url) });
  }
  // Of equal ones the first: its name says more.
  const unique = new Map(forms.toReversed().map((one) => [one.bytes.toString("latin1"), one]));
  return [...unique.values()].toReversed();
}

/** What of a text is the same in base64 whatever stands before and after it. */
function base64Core(plain: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), plain])
    .toString("base64")
    .replaceAll("=", "");
  const from = offset === 0 ? 0 : offset + 1;
  const whole = Math.floor(((offset + plain.length) * 8) / 6);
  return encoded.slice(from, whole);
}

export function search(sink: string, bytes: Buffer, canaries: readonly Canary[]): readonly Finding[] {
  const found: Finding[] = [];
  const forms = canaries.map((canary) => ({ place: canary.place, forms: formsOf(canary) }));
  look(bytes, 0, undefined);
  return found;

  function look(part: Buffer, depth: number, at: number | undefined): void {
    for (const { place, forms: all } of forms) {
      for (const { form, bytes: wanted } of all) {
        const offset = part.indexOf(wanted);
        if (offset >= 0)
          found.push({ sink, place, form: at === undefined ? form : `compressed, ${form}`, offset: at ?? offset });
      }
    }
    if (depth >= MAX_DEPTH) return;
    for (const { offset, expanded } of compressedIn(part)) look(expanded, depth + 1, at ?? offset);
  }
}

interface Magic {
  readonly bytes: readonly number[];
  readonly open: (part: Buffer) => Buffer;
}

/** What is cut off is read as far as it goes. */
const limits = { maxOutputLength: MAX_EXPANDED_BYTES, finishFlush: constants.Z_SYNC_FLUSH };
const magics: readonly Magic[] = [
  { bytes: [0x1f, 0x8b, 0x08], open: openGzip },
  { bytes: [0x78, 0x01], open: (part) => inflateSync(part, limits) },
  { bytes: [0x78, 0x9c], open: (part) => inflateSync(part, limits) },
  { bytes: [0x78, 0xda], open: (part) => inflateSync(part, limits) },
  {
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    open: (part) => zstdDecompressSync(part, { maxOutputLength: MAX_EXPANDED_BYTES }),
  },
];

/** Past the header by hand: what follows the end of a member is no reason to read nothing. */
function openGzip(part: Buffer): Buffer {
  const flags = part[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + part.readUInt16LE(at);
  for (const flag of [8, 16]) if ((flags & flag) !== 0) at = part.indexOf(0, at) + 1;
  if ((flags & 2) !== 0) at += 2;
  return inflateRawSync(part.subarray(at), limits);
}

function* compressedIn(part: Buffer): Generator<{ readonly offset: number; readonly expanded: Buffer }> {
  for (const { bytes, open } of magics) {
    const magic = Buffer.from(bytes);
    for (let offset = part.indexOf(magic); offset >= 0; offset = part.indexOf(magic, offset + 1)) {
      const expanded = opened(open, part.subarray(offset));
      if (expanded !== undefined && expanded.length > 0) yield { offset, expanded };
    }
  }
  // Streams without a beginning of their own: only whole files can be tried.
  const whole = [
    (all: Buffer) => inflateRawSync(all, limits),
    (all: Buffer) => brotliDecompressSync(all, { maxOutputLength: MAX_EXPANDED_BYTES }),
  ];
  for (const open of whole) {
    const expanded = part.length > MAX_EXPANDED_BYTES ? undefined : opened(open, part);
    if (expanded !== undefined && expanded.length > 0) yield { offset: 0, expanded };
  }
}

/** Most of what looks like a beginning is none. */
function opened(open: (part: Buffer) => Buffer, part: Buffer): Buffer | undefined {
  try {
    return open(part);
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

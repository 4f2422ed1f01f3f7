import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64url, toBase64url, toHex, utf8 } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES } from "../../protocol/limits.ts";
import {
  cosign,
  cosignedAt,
  decodeNote,
  encodeNote,
  fromBase64,
  isSignedBy,
  keyId,
  noteFromWire,
  noteToWire,
  signatureTypes,
  signNote,
  toBase64,
  type NoteSigner,
} from "../../protocol/note.ts";
import { seedOf } from "../fixtures/keys.ts";

interface Vectors {
  readonly notes: readonly { readonly from: string; readonly key: string; readonly note: string }[];
  readonly keys: readonly { readonly from: string; readonly key: string }[];
}
const vectors = JSON.parse(readFileSync(new URL("../vectors/notes.json", import.meta.url), "utf8")) as Vectors;

/** Ed25519 by node:crypto alone. */
function keyOf(name: string) {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seedOf(name)]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const raw = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  return { key, raw, publicKey: toBase64url(raw) };
}

function signerOf(name: string): NoteSigner {
  const { key, publicKey } = keyOf(name);
  return { publicKey, signNote: (message) => Promise.resolve(new Uint8Array(sign(null, message, key))) };
}

/** A signature line as the specification words it, without a line of ours. */
function lineOf(name: string, type: number, { raw, signature }: { raw: Uint8Array; signature: Uint8Array }): string {
  const id = createHash("sha256").update(`${name}\n`).update(Uint8Array.of(type)).update(raw).digest().subarray(0, 4);
  return `\u2014 ${name} ${Buffer.concat([id, signature]).toString("base64")}\n`;
}

const TEXT = "log.example\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
const NAME = "log.example";

describe("notes that others signed", () => {
  it.each(vectors.notes)("$from", async ({ key, note }) => {
    const { name, id, bytes } = splitKey(key);
    expect(bytes[0]).toBe(signatureTypes.note);
    const known = { name, publicKey: toBase64url(bytes.subarray(1)) };
    expect(toHex(keyId(known, signatureTypes.note))).toBe(id);
    const decoded = decodeNote(note);
    expect(encodeNote(decoded)).toBe(note);
    expect(await isSignedBy(decoded, known)).toBe(true);
    expect(await isSignedBy(decodeNote(note.replace("a", "b")), known)).toBe(false);
    expect(await isSignedBy(decoded, { ...known, name: `${name}x` })).toBe(false);
  });
});

describe("verifier keys that others publish", () => {
  it.each(vectors.keys)("$from", ({ key }) => {
    const { name, id, bytes } = splitKey(key);
    const type = Object.values(signatureTypes).find((known) => known === bytes[0]);
    if (type === undefined) throw new Error("a type that we do not have");
    expect(toHex(keyId({ name, publicKey: toBase64url(bytes.subarray(1)) }, type))).toBe(id);
  });
});

/** Name, key id in hex, and the type with the key; base64 may hold the separator itself. */
function splitKey(key: string) {
  const [name = "", id = "", ...rest] = key.split("+");
  return { name, id, bytes: fromBase64(rest.join("+")) };
}

describe("a signature of ours", () => {
  it("is the line that the specification words", async () => {
    const { key, raw, publicKey } = keyOf("ledger");
    const made = encodeNote({ text: TEXT, signatures: [await signNote(TEXT, NAME, signerOf("ledger"))] });
    expect(made).toBe(`${TEXT}\n${lineOf(NAME, 1, { raw, signature: sign(null, utf8(TEXT), key) })}`);
    expect(await isSignedBy(decodeNote(made), { name: NAME, publicKey })).toBe(true);
  });

  it("is not another key's, name's or text's", async () => {
    const note = decodeNote(encodeNote({ text: TEXT, signatures: [await signNote(TEXT, NAME, signerOf("ledger"))] }));
    const known = { name: NAME, publicKey: keyOf("ledger").publicKey };
    expect(await isSignedBy(note, { ...known, publicKey: keyOf("other").publicKey })).toBe(false);
    expect(await isSignedBy(note, { ...known, name: "log.example/h" })).toBe(false);
    expect(await isSignedBy({ ...note, text: TEXT.replace("7", "8") }, known)).toBe(false);
    expect(await isSignedBy({ ...note, signatures: [] }, known)).toBe(false);
  });

  it("is passed over beside others: unknown keys, a colliding id, the same name twice", async () => {
    const known = { name: NAME, publicKey: keyOf("ledger").publicKey };
    const good = await signNote(TEXT, NAME, signerOf("ledger"));
    const foreign = await signNote(TEXT, "witness.example", signerOf("other"));
    const sameName = await signNote(TEXT, NAME, signerOf("other"));
    // Four bytes collide easily: an id of the right key over somebody's signature is worth nothing.
    const colliding = {
      name: NAME,
      bytes: new Uint8Array([...good.bytes.subarray(0, 4), ...sameName.bytes.subarray(4)]),
    };
    for (const signatures of [
      [foreign, good],
      [sameName, good],
      [colliding, good],
      [good, good],
    ])
      expect(await isSignedBy({ text: TEXT, signatures }, known)).toBe(true);
    for (const signatures of [[foreign], [sameName], [colliding], [{ ...good, name: "witness.example" }]])
      expect(await isSignedBy({ text: TEXT, signatures }, known)).toBe(false);
  });

  it("of another length, or of the other type, is none", async () => {
    const known = { name: NAME, publicKey: keyOf("ledger").publicKey };
    const { name, bytes } = await signNote(TEXT, NAME, signerOf("ledger"));
    for (const other of [bytes.slice(0, -1), new Uint8Array([...bytes, 0])])
      expect(await isSignedBy({ text: TEXT, signatures: [{ name, bytes: other }] }, known)).toBe(false);
    const cosigned = await cosign({ text: TEXT, name: NAME, at: 5 }, signerOf("ledger"));
    expect(await isSignedBy({ text: TEXT, signatures: [cosigned] }, known)).toBe(false);
    expect(await cosignedAt({ text: TEXT, signatures: [{ name, bytes }] }, known)).toBeUndefined();
  });
});

describe("a cosignature", () => {
  const AT = 1_679_315_147;
  const WITNESS = "log.example/h-one";
  const known = { name: WITNESS, publicKey: keyOf("witness").publicKey };

  it("is the line and the message that the specification words", async () => {
    const { key, raw } = keyOf("witness");
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(AT));
    const signature = Buffer.concat([time, sign(null, utf8(`cosignature/v1\ntime ${String(AT)}\n${TEXT}`), key)]);
    const made = await cosign({ text: TEXT, name: WITNESS, at: AT }, signerOf("witness"));
    expect(encodeNote({ text: TEXT, signatures: [made] })).toBe(`${TEXT}\n${lineOf(WITNESS, 4, { raw, signature })}`);
    expect(await cosignedAt({ text: TEXT, signatures: [made] }, known)).toBe(AT);
  });

  it("covers its own time, the text, and only that key", async () => {
    const made = await cosign({ text: TEXT, name: WITNESS, at: AT }, signerOf("witness"));
    const later = new Uint8Array(made.bytes);
    later[11] = (later[11] ?? 0) + 1;
    expect(await cosignedAt({ text: TEXT, signatures: [{ ...made, bytes: later }] }, known)).toBeUndefined();
    expect(await cosignedAt({ text: `${TEXT}x\n`, signatures: [made] }, known)).toBeUndefined();
    const other = { ...known, publicKey: keyOf("other").publicKey };
    expect(await cosignedAt({ text: TEXT, signatures: [made] }, other)).toBeUndefined();
  });

  it("given twice: the newest counts, whatever the order; a time beyond what numbers hold counts nothing", async () => {
    const [early, late] = await Promise.all(
      [AT, AT + 9].map((at) => cosign({ text: TEXT, name: WITNESS, at }, signerOf("witness"))),
    );
    if (early === undefined || late === undefined) throw new RangeError("two cosignatures");
    expect(await cosignedAt({ text: TEXT, signatures: [early, late] }, known)).toBe(AT + 9);
    expect(await cosignedAt({ text: TEXT, signatures: [late, early] }, known)).toBe(AT + 9);
    const far = new Uint8Array(early.bytes);
    far.fill(0xff, 4, 12);
    expect(await cosignedAt({ text: TEXT, signatures: [{ ...early, bytes: far }] }, known)).toBeUndefined();
  });
});

describe("the frame of a note", () => {
  const line = lineOf(NAME, 1, { raw: keyOf("ledger").raw, signature: new Uint8Array(64) });
  const good = `${TEXT}\n${line}`;

  it("is read as it was written, also with empty lines in the text", () => {
    expect(encodeNote(decodeNote(good))).toBe(good);
    const poem = `one\n\ntwo\n\n${line}`;
    expect(decodeNote(poem).text).toBe("one\n\ntwo\n");
    expect(noteFromWire(noteToWire(good))).toBe(good);
  });

  it.each<[string, string]>([
    ["no signature", `${TEXT}\n`],
    ["no empty line", `${TEXT}${line}`],
    ["no text", `\n${line}`],
    ["no line end", good.slice(0, -1)],
    ["something after the signatures", `${good}more\n`],
    ["carriage returns", good.replaceAll("\n", "\r\n")],
    ["a tab in the text", good.replace("7", "\t7")],
    ["a delete in the text", good.replace("7", "\u007f7")],
    ["a hyphen for the dash", good.replace("\u2014", "-")],
    ["an en dash", good.replace("\u2014", "\u2013")],
    ["two spaces", good.replace("\u2014 ", "\u2014  ")],
    ["a plus in the name", good.replace(`\u2014 ${NAME}`, "\u2014 a+b")],
    ["no name", good.replace(`\u2014 ${NAME}`, "\u2014 ")],
    ["a no-break space in the name", good.replace(`\u2014 ${NAME}`, "\u2014 a\u00a0b")],
    ["base64url", good.replace(/ [A-Za-z0-9+/=]+\n$/, " __--__--__--\n")],
    ["a space in the base64", good.replace(/A/g, " A")],
    ["padding left out", good.replace(/=+\n$/, "\n")],
    ["padding too long", good.replace(/=+\n$/, "===\n")],
  ])("refuses %s", (_name, encoded) => {
    expect(encoded).not.toBe(good);
    expect(() => decodeNote(encoded)).toThrow(MalformedError);
  });

  // Signed notes hold no control characters but line ends, in names either: somebody may print the note.
  it.each(["\u0001", "\u001b[2J", "\u007f", "\u0000"])("refuses %j in a name", (control) => {
    const encoded = good.replace(`\u2014 ${NAME}`, `\u2014 a${control}b`);
    expect(() => decodeNote(encoded)).toThrow(MalformedError);
  });

  // Verifiers pass over signatures of unknown keys; those of ML-DSA-44 cosigners have 2,424 bytes.
  it("passes over a long signature of another kind", () => {
    const long = `\u2014 witness.example ${Buffer.alloc(2_424 + 8, 1).toString("base64")}\n`;
    expect(decodeNote(`${good}${long}`).signatures).toHaveLength(2);
  });

  it("of at most so many lines and bytes", () => {
    expect(decodeNote(`${TEXT}\n${line.repeat(MAX_NOTE_SIGNATURES)}`).signatures).toHaveLength(MAX_NOTE_SIGNATURES);
    expect(() => decodeNote(`${TEXT}\n${line.repeat(MAX_NOTE_SIGNATURES + 1)}`)).toThrow(MalformedError);
    expect(() => decodeNote(`${"x".repeat(MAX_NOTE_BYTES)}\n\n${line}`)).toThrow(MalformedError);
    expect(() => decodeNote(`${"\u00e4".repeat(MAX_NOTE_BYTES / 2)}\n\n${line}`)).toThrow(MalformedError);
  });

  it("on the wire is UTF-8 in base64url, or nothing", () => {
    for (const wire of ["=", "A", "_w", toBase64url(Uint8Array.of(0xff, 0xfe))])
      expect(() => noteFromWire(wire)).toThrow(MalformedError);
  });
});

describe("base64 of notes", () => {
  it("has one text for one byte string", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(fromBase64(text)).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it.each(["A", "AA", "AAA", "AAAA=", "AB==", "AAB=", "A===", "A A=", "AAA-", "AA_A", "AAAA\n", "AA=A"])(
    "refuses %j",
    (text) => {
      expect(() => fromBase64(text)).toThrow(MalformedError);
    },
  );

  it("is the same alphabet as the wire's, but for two characters", () => {
    expect(toBase64(fromBase64url("-_-_"))).toBe("+/+/");
  });
});

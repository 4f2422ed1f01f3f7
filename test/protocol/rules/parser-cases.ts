/** Verdicts of the parsers beneath the messages: canonical JSON, client data, DER, points, ledger entries. */
import { concatBytes, fromHex, toHex, utf8 } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { MAX_DEPTH } from "../../../protocol/limits.ts";
import { ZERO_DIGEST } from "../../../protocol/messages.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { rawToDer, laxDer } from "../../fixtures/der.ts";
import type { Fields } from "../../fixtures/workspace.ts";
import type { Modules, RuleCase } from "./cases.ts";

function canonicalVerdict({ canonical }: Modules, bytes: Uint8Array): string {
  try {
    canonical.decodeCanonical(bytes);
    return "ok";
  } catch (error) {
    return error instanceof canonical.MalformedError ? error.message : "crash";
  }
}

const nested = (depth: number): string => `${'{"a":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;
const key = (name: string): string => `{"${name}":1}`;

/** Texts that mean something to JSON.parse, and what we say. */
const canonicalTexts: readonly (readonly [string, string, string | Uint8Array])[] = [
  ["empty object", "ok", "{}"],
  ["sorted members", "ok", '{"a":1,"b":"x","c":[true,false,{}]}'],
  ["integers at the limits", "ok", '{"a":9007199254740991,"b":-9007199254740991,"c":0}'],
  ["text beyond ASCII", "ok", '{"a":"Grüße 你好 😀"}'],
  ["escapes that RFC 8785 writes", "ok", String.raw`{"a":"\"\\"}`],
  ["nothing", "not UTF-8 JSON", ""],
  ["byte order mark", "not UTF-8 JSON", "\ufeff{}"],
  ["not JSON", "not UTF-8 JSON", "{a:1}"],
  ["not UTF-8", "not UTF-8 JSON", concatBytes(utf8('{"a":"'), Uint8Array.of(0xc3), utf8('"}'))],
  ["surrogates as UTF-8", "not UTF-8 JSON", concatBytes(utf8('{"a":"'), fromHex("eda080"), utf8('"}'))],
  ["a second value", "not UTF-8 JSON", "{}{}"],
  ["array", "not an object", "[]"],
  ["string", "not an object", '"a"'],
  ["number", "not an object", "1"],
  ["null at the top", "not an object", "null"],
  ["space before", "not canonical", " {}"],
  ["space after", "not canonical", "{} "],
  ["line feed after", "not canonical", "{}\n"],
  ["space inside", "not canonical", '{"a": 1}'],
  ["members out of order", "not canonical", '{"b":1,"a":2}'],
  ["a member twice", "not canonical", '{"a":1,"a":1}'],
  ["a member twice, once escaped", "not canonical", String.raw`{"a":1,"\u0061":1}`],
  ["a letter escaped", "not canonical", String.raw`{"a":"\u0061"}`],
  ["a slash escaped", "not canonical", String.raw`{"a":"\/"}`],
  ["hex in capitals", "deceptive character", String.raw`{"a":"\u001F"}`],
  ["float that is an integer", "not canonical", '{"a":1.0}'],
  ["exponent that is an integer", "not canonical", '{"a":1e2}'],
  ["float", "not a safe integer", '{"a":1.5}'],
  ["2^53", "not a safe integer", '{"a":9007199254740992}'],
  ["2^53 + 1, which JSON.parse rounds", "not a safe integer", '{"a":9007199254740993}'],
  ["-2^53", "not a safe integer", '{"a":-9007199254740992}'],
  ["an integer that overflows", "not a safe integer", '{"a":1e400}'],
  ["minus zero", "not a safe integer", '{"a":-0}'],
  ["null", "null", '{"a":null}'],
  ["null in a list", "null", '{"a":[null]}'],
  ["deepest allowed", "ok", nested(MAX_DEPTH)],
  ["one deeper", "too deep", nested(MAX_DEPTH + 1)],
  ["one deeper through lists", "too deep", `{"a":${"[".repeat(MAX_DEPTH)}${"]".repeat(MAX_DEPTH)}}`],
  ["thousands deep", "too deep", nested(20_000)],
  ["longest key", "ok", key(`a${"B1".repeat(15)}c`)],
  ["a key of 33 characters", "foreign key", key(`a${"B1".repeat(16)}`)],
  ["empty key", "foreign key", key("")],
  ["key in capitals", "foreign key", key("A")],
  ["key with an underscore", "foreign key", key("a_b")],
  ["key beyond ASCII", "foreign key", key("ä")],
  ["key with a digit first", "foreign key", key("1a")],
  ["key of the prototype", "foreign key", key("__proto__")],
  ["a foreign key further down", "foreign key", '{"a":[{"A":1}]}'],
  ["lone surrogate", "not representable", String.raw`{"a":"\ud800"}`],
  ["surrogates in the wrong order", "not representable", String.raw`{"a":"\udc00\ud800"}`],
  ["line feed in text", "deceptive character", String.raw`{"a":"x\ny"}`],
  ["null character in text", "deceptive character", String.raw`{"a":"\u0000"}`],
  ["deceptive text in a list", "deceptive character", '{"a":["\u202e"]}'],
];

function clientDataVerdict({ clientData }: Modules, text: string): string {
  const parsed = clientData.parseClientData(utf8(text));
  return parsed === undefined ? "refused" : `${parsed.type} ${parsed.crossOrigin} ${parsed.hasTopOrigin}`;
}

const MEMBERS = '"type":"t","challenge":"c","origin":"o"';
const clientDataTexts: readonly (readonly [string, string, string])[] = [
  ["plain", "t false false", `{${MEMBERS}}`],
  ["crossOrigin true", "t true false", `{${MEMBERS},"crossOrigin":true}`],
  ["top origin", "t false true", `{${MEMBERS},"topOrigin":"x"}`],
  ["key only at the second level", "t false false", `{${MEMBERS},"x":{"topOrigin":"y","crossOrigin":true}}`],
  ["a value that looks like a key", "t false false", `{${MEMBERS},"x":"topOrigin","y":["a","a"]}`],
  ["same keys in two inner objects", "t false false", `{${MEMBERS},"x":{"a":1},"y":{"a":1}}`],
  ["a string with an escaped quote, then a duplicate", "refused", String.raw`{${MEMBERS},"x":"\"","x":1}`],
  ["a string that ends in backslashes, then a duplicate", "refused", String.raw`{${MEMBERS},"x":"\\","x":1}`],
  ["a duplicate after nested lists", "refused", `{${MEMBERS},"x":[[{"a":[]}],{}],"type":"t"}`],
  ["a duplicate by different escapes", "refused", String.raw`{${MEMBERS},"\u0078":1,"\u0078":2}`],
];

function derVerdict({ der }: Modules, bytes: Uint8Array): string {
  const raw = der.ecdsaDerToRaw(bytes);
  return raw === undefined ? "refused" : toHex(raw);
}

const one = "01".padStart(64, "0");
const top = "80".padEnd(64, "0");
const sample = rawToDer(fromHex(top + one));
const derInputs: readonly (readonly [string, string, Uint8Array])[] = [
  ["small numbers", one + one, fromHex("3006020101020101")],
  ["highest bit set", top + one, sample],
  ["32 bytes without the highest bit", `7f${"11".repeat(31)}${one}`, rawToDer(fromHex(`7f${"11".repeat(31)}${one}`))],
  ["largest", "ff".repeat(64), rawToDer(fromHex("ff".repeat(64)))],
  ["nothing", "refused", new Uint8Array()],
  ["r is zero", "refused", fromHex("3006020100020101")],
  ["s is zero", "refused", fromHex("3006020101020100")],
  ["r is negative", "refused", fromHex("3006020180020101")],
  ["s is negative", "refused", fromHex("30060201010201ff")],
  ["r without content", "refused", fromHex("30050200020101")],
  ["33 bytes without need", "refused", fromHex(`3026022101${"00".repeat(32)}020101`)],
  ["33 bytes beyond the field", "refused", fromHex(`302702220080${"00".repeat(32)}020101`)],
  ["r reaches beyond the end", "refused", fromHex("3006020701020101")],
  ["s reaches beyond the end", "refused", fromHex("3006020101020201")],
  ...Object.entries(laxDer).map(([name, mutate]) => [name, "refused", mutate(sample)] as const),
];

const le = (low: string, rest: string): string => low + rest;
const pointEncodings: readonly (readonly [string, string, string])[] = [
  ["base point", "ok", `58${"66".repeat(31)}`],
  ["largest canonical y", "ok", le("eb", `${"ff".repeat(30)}7f`)],
  ["largest canonical y, sign set", "ok", le("eb", "ff".repeat(31))],
  ["p with a lower byte 30", "ok", le("ff", `${"ff".repeat(29)}fe7f`)],
  ["all ones below a low top byte", "ok", `${"ff".repeat(31)}00`],
  ["all ones below a top byte of 0x3f, sign set", "ok", `${"ff".repeat(31)}bf`],
  ["p", "refused", le("ed", `${"ff".repeat(30)}7f`)],
  ["p, sign set", "refused", le("ed", "ff".repeat(31))],
  ["p + 2", "refused", le("ef", `${"ff".repeat(30)}7f`)],
  ["2^255 - 1", "refused", le("ff", `${"ff".repeat(30)}7f`)],
  ["all ones", "refused", "ff".repeat(32)],
  ["31 bytes", "refused", "66".repeat(31)],
  ["33 bytes", "refused", "66".repeat(33)],
];

/** The fourteen of "Taming the many EdDSAs", table 6c; ed25519.test.ts computes them from the curve as well. */
const smallOrder: readonly (readonly [string, string, string])[] = [
  "00".repeat(32),
  `${"00".repeat(31)}80`,
  `01${"00".repeat(31)}`,
  `01${"00".repeat(30)}80`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  `ec${"ff".repeat(30)}7f`,
  `ec${"ff".repeat(31)}`,
  `ed${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(31)}`,
  `ee${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(31)}`,
].map((encoding) => [`small order ${encoding}`, "refused", encoding]);

const entry = (change: Fields = {}): Uint8Array =>
  encodeCanonical({
    v: 1,
    workspace: nonceOf("workspace"),
    index: 1,
    at: 1_800_000_000_000,
    actor: { kind: "edge" },
    action: "workspace.created",
    detail: {},
    previous: ZERO_DIGEST,
    ...change,
  });

interface EntryBend {
  readonly change?: Fields;
  readonly bytes?: Uint8Array;
  readonly storedHash?: string;
  readonly position?: { readonly index: number; readonly hash: string };
}

function ledgerVerdict({ ledger }: Modules, { change, bytes, storedHash, position }: EntryBend): string {
  const body = bytes ?? entry(change);
  const step = ledger.checkEntry(body, storedHash ?? ledger.entryDigest(body), {
    workspace: nonceOf("workspace"),
    position: position ?? ledger.CHAIN_START,
  });
  return step.ok ? `ok ${step.position.index}` : `${step.fault} at ${step.index}`;
}

const ledgerEntries: readonly (readonly [string, string, EntryBend])[] = [
  ["first", "ok 1", {}],
  ["later", "ok 7", { change: { index: 7, previous: nonceOf("six") }, position: { index: 6, hash: nonceOf("six") } }],
  ["a foreign member", "malformed at 1", { change: { foreign: 1 } }],
  ["an unknown action", "malformed at 1", { change: { action: "ledger.rewritten" } }],
  ["not canonical", "malformed at 1", { bytes: concatBytes(entry(), utf8(" ")) }],
  ["index zero", "malformed at 1", { change: { index: 0 } }],
  ["another workspace", "workspace at 1", { change: { workspace: nonceOf("other") } }],
  ["an entry missing", "gap at 1", { change: { index: 2 } }],
  ["the same entry again", "gap at 2", { position: { index: 1, hash: ZERO_DIGEST } }],
  ["another predecessor", "previous at 1", { change: { previous: nonceOf("other") } }],
  ["the stored digest is another", "hash at 1", { storedHash: nonceOf("other") }],
];

type Row<T> = readonly (readonly [string, string, T])[];
function table<T>(group: string, rows: Row<T>, judge: (modules: Modules, input: T) => string): readonly RuleCase[] {
  return rows.map(([name, expected, input]) => ({
    name: `${group}: ${name}`,
    expected,
    run: async (modules) => judge(modules, input),
  }));
}

export const parserCases: readonly RuleCase[] = [
  ...table("canonical", canonicalTexts, (m, text) => canonicalVerdict(m, typeof text === "string" ? utf8(text) : text)),
  ...table("client data", clientDataTexts, clientDataVerdict),
  ...table("der", derInputs, derVerdict),
  ...table("point", [...pointEncodings, ...smallOrder], (m, hex) =>
    m.ed25519.isAcceptablePoint(fromHex(hex)) ? "ok" : "refused",
  ),
  ...table("ledger", ledgerEntries, ledgerVerdict),
];

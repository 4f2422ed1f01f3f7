/**
 * Reads the line of an entry that is as nearly all are, in one pass and without a schema library. Whatever does not look
 * exactly so, or is not the very next entry of the chain, is no verdict: the line is then read the slow way, which decides
 * (the tests hold that both agree). Believes nothing: digest, place, neighbour and workspace are all checked here.
 */
import { ledgerActions, type LedgerAction } from "../../protocol/ledger.ts";
import { MAX_ENTRY_BYTES } from "../../protocol/limits.ts";
import type { Signed } from "../../protocol/messages.ts";
import { BodyHasher } from "./tree.ts";

/** Where a line lies; nothing is made for it. */
export interface CutLine {
  readonly bytes: Buffer;
  readonly start: number;
  /** Not included. */
  readonly end: number;
}

const DIGEST = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]";
const ID = "[a-z][a-z0-9-]{1,47}";
const BYTES = "(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?";

/** A member that may be absent, and never stands before a closing brace with its comma. */
const optional = (key: string, value: string): string => `(?:"${key}":${value}(?:,(?!\\})|(?=\\})))?`;
const text = (pattern: string): string => `"${pattern}"`;

/** Members of a detail that entries of every day have, in their order. */
const COUNT = "(?:0|[1-9]\\d{0,14})";
const DETAIL = [
  optional("alert", text(ID)),
  optional("calls", `\\{"since":${COUNT},"total":${COUNT}\\}`),
  optional("certificate", text("[0-9a-f]{64}")),
  optional("code", text("[a-z][a-z_.-]{1,40}")),
  optional("intent", text(DIGEST)),
  optional("invitation", text(ID)),
  optional("operation", text("[a-z][a-z.-]{1,40}@[1-9][0-9]?")),
  optional("proposal", text(DIGEST)),
  optional("receipt", text(DIGEST)),
  optional("session", text(DIGEST)),
  optional("setting", text("[a-z][A-Za-z]{1,47}")),
  optional("statement", text(DIGEST)),
  optional("statementKind", text("[a-z][a-z.-]{1,40}")),
  optional("stream", text(ID)),
  optional("verdict", '(?:"executed"|"failed"|"refused"|"interrupted")'),
].join("");

/** Looked up by their text: a pattern would try one after the other. */
const ACTIONS: ReadonlySet<string> = new Set<string>(ledgerActions);

/** Nothing is captured: what stands where follows from what must stand there, and comparing is cheaper. */
const ENTRY = new RegExp(
  `^\\{"action":"[a-z.-]{1,32}"` +
    `,"actor":\\{(?:"id":"${ID}","kind":"(?:person|host|automation)"|"kind":"(?:edge|unknown)")\\}` +
    `,"at":[1-9]\\d{11,13},"detail":\\{${DETAIL}\\}` +
    `,"index":[1-9]\\d{0,14},"previous":"${DIGEST}"` +
    `(?:,"source":"${DIGEST}")?(?:,"target":"${ID}")?` +
    `,"v":1,"workspace":"${DIGEST}"\\}$`,
);
/** Action, actor, time and detail take more than this. */
const LEAST_HEAD = 60;
const ENTRY_INDEX = ',"index":';
const ENTRY_PREVIOUS = ',"previous":"';
const SOURCE = ',"source":"';
const ACTION_AT = '{"action":"'.length;
const AT = ',"at":';

/** Edge clock, milliseconds. */
export function timeIn(text: string): number {
  const from = text.indexOf(AT, ACTION_AT) + AT.length;
  return Number(text.slice(from, text.indexOf(",", from)));
}

/** What may follow the index in a row: the host's receipt, and the source address, as people's addresses are written. */
const REST = new RegExp(
  `^(?:,"receipt":\\{"body":"(?<body>${BYTES})","signature":"(?<signature>[A-Za-z0-9_-]{85}[AQgw])"\\})?` +
    `(?:,"source":\\{"salt":"(?<salt>${DIGEST})","value":"(?<value>[0-9A-Fa-f.:]{1,45})"\\})?\\}\\}$`,
);

const BEGINNING = '{"kind":"entry","row":{"body":"';
const HASH = '","hash":"';
const INDEX = '","index":';
const END = "}}";
const DIGEST_CHARACTERS = 43;
/** Of a receipt that is looked at here: far above the some 600 that one has. */
const MAX_RECEIPT_CHARACTERS = 4_096;

interface Rest {
  readonly receipt: Signed | undefined;
  readonly source: { readonly salt: string; readonly value: string } | undefined;
}

const NOTHING: Rest = { receipt: undefined, source: undefined };

/** One row at a time: what was read stays until the next, because making an object for each of a million costs more. */
export class FastRows {
  readonly #entries = new BodyHasher("ledger-entry", MAX_ENTRY_BYTES);
  readonly #commitments = new BodyHasher("commitment", 1_024);
  /** How every entry of this workspace ends. */
  readonly #tail: string;
  #digest = "";
  #text = "";
  #action = "";
  #rest: Rest = NOTHING;

  constructor(workspace: string) {
    // Through bytes, so that it is one piece: a text that was put together is compared more slowly.
    this.#tail = Buffer.from(`,"v":1,"workspace":"${workspace}"}`).toString("latin1");
  }

  /** base64url. */
  get digest(): string {
    return this.#digest;
  }

  /** Canonical JSON of the entry, exactly as its schema takes it. */
  get text(): string {
    return this.#text;
  }

  get action(): LedgerAction {
    return this.#action as LedgerAction; // of the set
  }

  /** Its opening fits the commitment. */
  get source(): Rest["source"] {
    return this.#rest.source;
  }

  get receipt(): Rest["receipt"] {
    return this.#rest.receipt;
  }

  /** True when the line is entry `index`, follows `previous` and fits in every way; false: ask the slow way. */
  read({ bytes, start, end: lineEnd }: CutLine, index: number, previous: string): boolean {
    const row = bytes.toString("latin1", start, lineEnd);
    if (!row.startsWith(BEGINNING)) return false;
    const end = row.indexOf('"', BEGINNING.length);
    const hashAt = end + HASH.length;
    const indexAt = hashAt + DIGEST_CHARACTERS;
    const digits = String(index);
    const numberAt = indexAt + INDEX.length;
    if (!row.startsWith(HASH, end) || !row.startsWith(INDEX, indexAt) || !row.startsWith(digits, numberAt))
      return false;
    const rest = readRest(row, numberAt + digits.length);
    if (rest === undefined) return false;
    const length = this.#entries.writeBase64url(row.slice(BEGINNING.length, end));
    if (length === undefined) return false;
    const digest = this.#entries.digest(length);
    if (row.slice(hashAt, indexAt) !== digest) return false;
    const text = this.#entries.textOf(length);
    if (!text.endsWith(this.#tail) || !isNext(text, digits, previous) || !this.#isOpened(text, rest.source))
      return false;
    const action = text.slice(ACTION_AT, text.indexOf('"', ACTION_AT));
    if (!ACTIONS.has(action)) return false;
    this.#action = action;
    this.#digest = digest;
    this.#text = text;
    this.#rest = rest;
    return true;
  }

  /** A value that is not there is for the audit to judge, with the whole entry at hand. */
  #isOpened(text: string, source: Rest["source"]): boolean {
    const at = text.indexOf(SOURCE);
    if (at < 0 || source === undefined) return at < 0 && source === undefined;
    return text.startsWith(this.#commitment(source), at + SOURCE.length);
  }

  /** Salt and value are of characters that JSON writes as they are. */
  #commitment({ salt, value }: { readonly salt: string; readonly value: string }): string {
    const length = this.#commitments.writeLatin1(`{"field":"source","salt":"${salt}","value":"${value}"}`);
    return this.#commitments.digest(length);
  }
}

/** These stand once, and only at their own place, in what the pattern takes. */
function isNext(text: string, index: string, previous: string): boolean {
  if (!ENTRY.test(text)) return false;
  const indexAt = text.indexOf(ENTRY_INDEX, LEAST_HEAD) + ENTRY_INDEX.length;
  const previousAt = indexAt + index.length;
  return (
    text.startsWith(index, indexAt) &&
    text.startsWith(ENTRY_PREVIOUS, previousAt) &&
    text.startsWith(previous, previousAt + ENTRY_PREVIOUS.length)
  );
}

function readRest(row: string, from: number): Rest | undefined {
  if (row.length - from === END.length) return row.endsWith(END) ? NOTHING : undefined;
  if (row.length - from > MAX_RECEIPT_CHARACTERS) return undefined;
  const found = REST.exec(row.slice(from))?.groups;
  if (found === undefined) return undefined;
  const { body, signature, salt, value } = found;
  if (body === "") return undefined; // a receipt has bytes
  return {
    receipt: body === undefined || signature === undefined ? undefined : { body, signature },
    source: salt === undefined || value === undefined ? undefined : { salt, value },
  };
}

/** Lines of an authorized_keys file (sshd(8)): options, type, the key itself. Pure. */
import { createHash } from "node:crypto";

export interface AuthorizedKey {
  /** As ssh-keygen writes it: `SHA256:...`. */
  readonly fingerprint: string;
  readonly type: string;
  /** Of RSA; undefined where the type says it. */
  readonly bits?: number;
  /** As written; empty: none. */
  readonly options: string;
}

const TYPE = /^(?:ssh|ecdsa-sha2|sk-ssh|sk-ecdsa-sha2|rsa-sha2)-[a-z0-9@.-]+$/;

/** Undefined: no key (empty, a comment, or nothing that sshd takes). */
export function parseAuthorizedKey(line: string): AuthorizedKey | undefined {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return undefined;
  const [first = "", ...rest] = splitOutsideQuotes(text);
  const isTypeFirst = TYPE.test(first);
  const [type = "", blob = ""] = isTypeFirst ? [first, rest[0]] : rest;
  if (!TYPE.test(type) || !/^[A-Za-z0-9+/]+={0,2}$/.test(blob)) return undefined;
  const bytes = Buffer.from(blob, "base64");
  const fields = fieldsOf(bytes);
  // The name inside is the one that sshd believes.
  const name = fields[0]?.toString("latin1") ?? "";
  if (!TYPE.test(name)) return undefined;
  const bits = name === "ssh-rsa" ? bitsOf(fields[2]) : undefined;
  return {
    fingerprint: `SHA256:${createHash("sha256").update(bytes).digest("base64").replace(/=+$/, "")}`,
    type: name,
    ...(bits === undefined ? {} : { bits }),
    options: isTypeFirst ? "" : first,
  };
}

function splitOutsideQuotes(text: string): readonly string[] {
  const found: string[] = [];
  let word = "";
  let isQuoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? "";
    if (character === "\\" && text[index + 1] === '"') {
      word += '\\"';
      index += 1;
    } else if (character === '"') {
      isQuoted = !isQuoted;
      word += character;
    } else if (!isQuoted && /\s/.test(character)) {
      if (word !== "") found.push(word);
      word = "";
    } else word += character;
  }
  return word === "" ? found : [...found, word];
}

/** Length-prefixed strings; stops at what does not fit. */
function fieldsOf(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  while (at + 4 <= bytes.length && found.length < 8) {
    const length = bytes.readUInt32BE(at);
    if (at + 4 + length > bytes.length) break;
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

function bitsOf(number: Buffer | undefined): number {
  const start = number?.findIndex((byte) => byte !== 0) ?? -1;
  if (number === undefined || start < 0) return 0;
  return (number.length - start) * 8 - Math.clz32(number[start] ?? 0) + 24;
}

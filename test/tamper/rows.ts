/** What somebody does to rows: with the tools of whoever holds the database, and as carefully as one can. */
import { fromBase64url, toBase64url, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import { CHAIN_START, entryDigest } from "../../protocol/ledger.ts";

export type Fields = Record<string, unknown>;

export function entryOf({ body }: ActivityRow): Fields {
  return JSON.parse(utf8Text(fromBase64url(body))) as Fields;
}

/** The row with another entry in it; its digest is made anew or left as it was. */
export function withEntry(row: ActivityRow, entry: Fields, { rehash }: { readonly rehash: boolean }): ActivityRow {
  const bytes = encodeCanonical(entry);
  return { ...row, body: toBase64url(bytes), ...(rehash ? { hash: entryDigest(bytes) } : {}) };
}

/** Everything numbered, linked and hashed anew: what an attacker does who knows the format. */
export function rechained(rows: readonly ActivityRow[]): ActivityRow[] {
  let { hash: previous } = CHAIN_START;
  return rows.map((row, i) => {
    const next = withEntry(row, { ...entryOf(row), index: i + 1, previous }, { rehash: true });
    previous = next.hash;
    return { ...next, index: i + 1 };
  });
}

/** Every value of an entry, by its way through the members. */
export function waysOf(value: unknown, way: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [way];
  return Object.entries(value).flatMap(([key, inner]) => waysOf(inner, [...way, key]));
}

/** The same with one value changed to another of its kind, as small as a change can be. */
export function changedAt(entry: Fields, way: readonly string[]): Fields {
  const [key = "", ...rest] = way;
  const value = entry[key];
  return { ...entry, [key]: rest.length === 0 ? another(value) : changedAt(value as Fields, rest) };
}

/** The same without one member. */
export function withoutAt(entry: Fields, way: readonly string[]): Fields {
  const [key = "", ...rest] = way;
  if (rest.length > 0) return { ...entry, [key]: withoutAt(entry[key] as Fields, rest) };
  return Object.fromEntries(Object.entries(entry).filter(([name]) => name !== key));
}

const SAME_KIND: Readonly<Record<string, string>> = {
  "command.accepted": "command.refused",
  "command.receipt": "command.refused",
  "gateway.restart@1": "host.check@1",
  executed: "failed",
  refused: "executed",
  person: "automation",
  host: "person",
  edge: "unknown",
  busy: "clock",
  source: "country",
};

function another(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value !== "string") throw new TypeError("no such value in an entry");
  const known = SAME_KIND[value];
  if (known !== undefined) return known;
  // A digest stays one: the first character carries six whole bits.
  if (/^[A-Za-z0-9_-]{43}$/.test(value)) return `${value.startsWith("B") ? "C" : "B"}${value.slice(1)}`;
  return /[a-z]$/.test(value) ? `${value.slice(0, -1)}${value.endsWith("a") ? "b" : "a"}` : "session.ended";
}

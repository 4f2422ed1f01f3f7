/** Addresses and ranges as numbers, for choosing one inside a range that no other range takes. Pure. */

export interface Range {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

export function parseAddress(text: string): { readonly family: 4 | 6; readonly value: bigint } | undefined {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split(".").map(Number);
    if (parts.some((part) => part > 255)) return undefined;
    return { family: 4, value: parts.reduce((value, part) => value * 256n + BigInt(part), 0n) };
  }
  const value = text.includes(":") ? parse6(text) : undefined;
  return value === undefined ? undefined : { family: 6, value };
}

function parse6(text: string): bigint | undefined {
  const mapped = /^(.*:)(\d{1,3}(?:\.\d{1,3}){3})$/.exec(text);
  if (mapped !== null) {
    const tail = parseAddress(mapped[2] ?? "")?.value;
    if (tail === undefined) return undefined;
    return parse6(`${mapped[1] ?? ""}${(tail >> 16n).toString(16)}:${(tail & 0xff_ffn).toString(16)}`);
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = groups.flat();
  if (given.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const missing = 8 - given.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [
    ...(groups[0] ?? []),
    ...Array<string>(halves.length === 1 ? 0 : missing).fill("0"),
    ...(groups[1] ?? []),
  ];
  return all.reduce((value, group) => value * 65_536n + BigInt(Number.parseInt(group, 16)), 0n);
}

/** Of `192.0.2.0/24` or a single address. */
export function parseRange(text: string): Range | undefined {
  const [address = "", length] = text.split("/");
  const parsed = parseAddress(address);
  if (parsed === undefined) return undefined;
  const bits = parsed.family === 4 ? 32 : 128;
  const kept = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (kept < 0 || kept > bits) return undefined;
  const size = 1n << BigInt(bits - kept);
  const first = (parsed.value / size) * size;
  return { family: parsed.family, first, last: first + size - 1n };
}

export function isIn(text: string, range: Range): boolean {
  const parsed = parseAddress(text);
  return (
    parsed !== undefined && parsed.family === range.family && parsed.value >= range.first && parsed.value <= range.last
  );
}

export function addressText(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  return [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((value >> shift) & 0xff_ffn).toString(16)).join(":");
}

/**
 * Addresses of a range that other ranges may treat differently: its middle and ends, and those just outside of each other range
 * that lies within.
 */
export function samplesOf(range: Range, others: readonly Range[]): readonly string[] {
  const { family, first, last } = range;
  const inside = (value: bigint): boolean => value >= first && value <= last;
  const middle = first + (last - first) / 2n;
  const edges = others
    .filter((other) => other.family === family)
    .flatMap((other) => [other.first - 1n, other.last + 1n]);
  const values = [middle, first + (last > first ? 1n : 0n), last - (last - first > 1n ? 1n : 0n), ...edges].filter(
    inside,
  );
  return [...new Set(values)].map((value) => addressText(family, value));
}

/**
 * Internet addresses and the networks they lie in. A network is taken only as it is written shortest (RFC 5952 for IPv6,
 * no bits beyond its length), so that one network has one name in every list; an arriving address is read in any form.
 * Knows no list and decides nothing.
 */

export interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

export interface Network extends Address {
  readonly length: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;
/** What one subscriber is given at least: whoever has one IPv6 address has 2^64 of them. */
const SUBSCRIBER_LENGTH = 64;

/** Undefined for what is no address. An IPv4 address that arrives in IPv6's clothes is the IPv4 address. */
export function parseAddress(text: string): Address | undefined {
  const plain = parseIpv4(text);
  if (plain !== undefined) return { family: 4, bits: plain };
  const bits = parseIpv6(text);
  if (bits === undefined) return undefined;
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffff_ffffn } : { family: 6, bits };
}

/** A single address is a network of one. Undefined for everything that is not written as `formatNetwork` writes it. */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", stated, more] = text.split("/");
  const base = parseAddress(address);
  if (base === undefined || more !== undefined) return undefined;
  if (stated !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(stated)) return undefined;
  const network = { ...base, length: stated === undefined ? WIDTH[base.family] : Number(stated) };
  if (network.length > WIDTH[network.family]) return undefined;
  return formatNetwork(network) === text ? network : undefined;
}

export function formatNetwork({ family, bits, length }: Network): string {
  const width = WIDTH[family];
  const text = formatAddress({ family, bits: cut({ family, bits }, length) });
  return length === width ? text : `${text}/${length}`;
}

export function isInside({ family, bits }: Address, network: Network): boolean {
  return family === network.family && cut({ family, bits }, network.length) === network.bits;
}

/**
 * By what attempts are counted: an IPv4 address, or the /64 of an IPv6 address. Inside a VPN or one link a /64 holds many
 * machines, and nobody there takes another address at will.
 */
export function subscriberOf({ family, bits }: Address): string {
  const isSubscriber = family === 6 && !isPrivateIpv6(bits);
  return formatNetwork({ family, bits, length: isSubscriber ? SUBSCRIBER_LENGTH : WIDTH[family] });
}

/** RFC 4193 (fc00::/7) and RFC 4291, section 2.5.6 (fe80::/10). */
function isPrivateIpv6(bits: bigint): boolean {
  return bits >> 121n === 0x7en || bits >> 118n === 0x3fan;
}

/** This machine itself. */
export function isLoopback({ family, bits }: Address): boolean {
  return family === 4 ? bits >> 24n === 127n : bits === 1n;
}

function cut({ family, bits }: Address, length: number): bigint {
  const beyond = BigInt(WIDTH[family] - length);
  return (bits >> beyond) << beyond;
}

function formatAddress({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 0xffn)).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (bits >> BigInt(112 - index * 16)) & 0xffffn);
  const { start, length } = longestZeros(groups);
  const hex = (part: readonly bigint[]): string => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The first of the longest. */
function longestZeros(groups: readonly bigint[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let index = 0; index <= groups.length; index += 1) {
    if (groups[index] === 0n) continue;
    if (index - start > best.length) best = { start, length: index - start };
    start = index + 1;
  }
  return best;
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255))
    return undefined;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const halves = withoutIpv4(text).split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = [...head, ...tail];
  if (!given.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  if (halves.length === 1 ? given.length !== 8 : given.length > 7) return undefined;
  const groups = [...head, ...Array.from({ length: 8 - given.length }, () => "0"), ...tail];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

/** RFC 4291, section 2.2, third form: the last two groups as an IPv4 address. */
function withoutIpv4(text: string): string {
  const last = text.slice(text.lastIndexOf(":") + 1);
  const bits = parseIpv4(last);
  if (bits === undefined) return text;
  return `${text.slice(0, -last.length)}${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`;
}

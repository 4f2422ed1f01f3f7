/**
 * The first packet of a connection, as a test sees it. A stranger's source is any address of the internet: what is allowed or
 * refused for a few named addresses says nothing about him.
 */
import { isInside, parseAddress, type Address } from "../../../../../../protocol/networks.ts";
import { both, either, not, type Level } from "./level.ts";
import type { Element, Keys, Test, Value } from "./rule.ts";

export interface Packet {
  readonly family: 4 | 6;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** Undefined: made on this machine. */
  readonly from: { readonly interface: string } | undefined;
  /** Addresses of this machine or of the one that it is passed on to; undefined: anywhere. */
  readonly to: readonly string[] | undefined;
  /** Forwarded to another machine, container or network. */
  readonly isPassedOn: boolean;
  /** Undefined: it stays here, or nobody knows. */
  readonly toInterface: string | undefined;
  /** Its destination was changed on the way. */
  readonly isTranslated: boolean;
  /** At a chain that comes before the kernel looks for its connection. */
  readonly isUntracked?: boolean;
  /** Who made it, where it was made here. */
  readonly user?: { readonly uid: number; readonly name: string | undefined };
}

/** Wider than this is not a list of acquaintances any more. */
const NARROW_LENGTH = { 4: 9, 6: 17 } as const;

type Answer = (value: Value, packet: Packet, test: Test) => Level;

/** A test about another kind of packet does not hold, and its negation neither. */
export function holds(test: Test, packet: Packet): Level {
  if (test.keys.some((key) => isOfAnother(key, packet))) return "no";
  const any = test.elements.reduce<Level>((found, element) => either(found, elementHolds(test, element, packet)), "no");
  return test.isNegated ? not(any) : any;
}

export function keysHold(keys: Keys, element: Element, packet: Packet): Level {
  if (keys.some((key) => isOfAnother(key, packet))) return "no";
  return elementHolds({ keys, isNegated: false, elements: [element] }, element, packet);
}

function elementHolds(test: Test, element: Element, packet: Packet): Level {
  return test.keys.reduce<Level>((found, key, index) => {
    const value = element[index] ?? { kind: "unknown" };
    const answer = Object.hasOwn(answers, key) ? answers[key] : undefined;
    if (answer === undefined || value.kind === "unknown") return both(found, "maybe");
    if (value.kind === "one" && value.value === "*") return both(found, "some"); // whatever no other element takes
    return both(found, answer(value, packet, test));
  }, "yes");
}

const others: ReadonlySet<string> = new Set(["icmp", "icmpv6", "igmp", "esp", "ah", "sctp", "dccp", "comp", "udplite"]);

/** nft adds the test of the protocol by itself where a header's field is asked for. */
function isOfAnother(key: string, { family, protocol }: Packet): boolean {
  const [kind = ""] = key.split(" ");
  if (others.has(kind)) return true;
  if (kind === "tcp" || kind === "udp") return kind !== protocol;
  if (kind === "ip") return family !== 4;
  return kind === "ip6" && family !== 6;
}

const plain =
  (actual: (packet: Packet) => readonly (string | number | boolean)[]): Answer =>
  (value, packet) => {
    if (value.kind !== "one") return "maybe";
    return actual(packet).includes(value.value) ? "yes" : "no";
  };

const port: Answer = (value, packet) => {
  if (value.kind === "one" && typeof value.value === "number") return value.value === packet.port ? "yes" : "no";
  if (value.kind !== "range") return "maybe"; // a name, where nft was asked for names
  if (typeof value.from !== "number" || typeof value.to !== "number") return "maybe";
  return value.from <= packet.port && packet.port <= value.to ? "yes" : "no";
};

/** Whoever sends chooses it. */
const chosen: Answer = () => "some";

/** A packet of this machine has one of its own; a stranger has any. */
const source: Answer = (value, packet) => (packet.from === undefined ? "maybe" : ofAnybody(value));

const destination: Answer = (value, { to }) => {
  if (to === undefined) return ofAnybody(value);
  const hits = to.filter((address) => isAmong(address, value));
  if (hits.length === 0) return "no";
  return hits.length === to.length ? "yes" : "some";
};

function ofAnybody(value: Value): Level {
  if (value.kind === "one") return "no";
  if (value.kind === "range") return isWide(value) ? "some" : "no";
  if (value.kind !== "prefix") return "maybe";
  if (value.length === 0) return "yes";
  const base = parseAddress(value.address);
  if (base === undefined) return "maybe";
  return value.length >= NARROW_LENGTH[base.family] || isLocalOnly(base) ? "no" : "some";
}

function isWide({ from, to }: { readonly from: string | number; readonly to: string | number }): boolean {
  const first = parseAddress(String(from));
  const last = parseAddress(String(to));
  if (first === undefined || last === undefined) return true;
  const width = first.family === 4 ? 32 : 128;
  return (last.bits - first.bits) >> BigInt(width - NARROW_LENGTH[first.family]) > 0n;
}

/** 10/8, 127/8, 224/3 and, of IPv6, all but 2000::/3. */
function isLocalOnly({ family, bits }: Address): boolean {
  if (family === 6) return bits >> 125n !== 1n && bits >> 125n !== 0n;
  const first = Number(bits >> 24n);
  return first === 10 || first === 127 || first >= 224;
}

function isAmong(text: string, value: Value): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  if (value.kind === "one") return sameAddress(address, parseAddress(String(value.value)));
  if (value.kind === "prefix") {
    const base = parseAddress(value.address);
    return base !== undefined && isInside(address, { ...base, length: value.length });
  }
  if (value.kind !== "range") return false;
  const from = parseAddress(String(value.from));
  const to = parseAddress(String(value.to));
  return from !== undefined && to !== undefined && from.bits <= address.bits && address.bits <= to.bits;
}

function sameAddress(one: Address, other: Address | undefined): boolean {
  return other !== undefined && one.family === other.family && one.bits === other.bits;
}

const device =
  (actual: (packet: Packet) => string | undefined, isUnknown: (packet: Packet) => boolean): Answer =>
  (value, packet) => {
    if (value.kind !== "one") return "maybe";
    if (isUnknown(packet)) return "maybe";
    const name = actual(packet);
    const wanted = String(value.value);
    if (name === undefined) return "no";
    const isIt = wanted.endsWith("*") ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
    return isIt ? "yes" : "no";
  };

const input = device(
  ({ from }) => from?.interface,
  () => false,
);
/** Into this machine there is none; where it is passed on to, or sent to, may be unknown. */
const output = device(
  ({ toInterface }) => toInterface,
  ({ from, isPassedOn, toInterface }) => (from === undefined || isPassedOn) && toInterface === undefined,
);

const flags: Answer = (value, _packet, { mask }) => {
  if (value.kind !== "one") return "maybe";
  const seen = mask === undefined || mask.includes("syn") ? "syn" : "";
  return value.value === seen || (seen === "" && value.value === 0) ? "yes" : "no";
};

const user: Answer = (value, packet) => {
  if (packet.user === undefined) return "no"; // no socket of this machine sent it
  const { uid, name } = packet.user;
  if (value.kind === "one") return value.value === uid || value.value === name ? "yes" : "no";
  if (value.kind !== "range" || typeof value.from !== "number" || typeof value.to !== "number") return "maybe";
  return value.from <= uid && uid <= value.to ? "yes" : "no";
};

const protocols = { tcp: ["tcp", 6], udp: ["udp", 17] } as const;

const answers: Readonly<Record<string, Answer>> = {
  "tcp dport": port,
  "udp dport": port,
  "th dport": port,
  "tcp sport": chosen,
  "udp sport": chosen,
  "th sport": chosen,
  "tcp flags": flags,
  "ip saddr": source,
  "ip6 saddr": source,
  "ip daddr": destination,
  "ip6 daddr": destination,
  "ip protocol": plain(({ protocol }) => protocols[protocol]),
  "ip6 nexthdr": plain(({ protocol }) => protocols[protocol]),
  "meta l4proto": plain(({ protocol }) => protocols[protocol]),
  "meta nfproto": plain(({ family }) => (family === 4 ? ["ipv4", 2] : ["ipv6", 10])),
  "meta protocol": plain(({ family }) => (family === 4 ? ["ip", 0x0800] : ["ip6", 0x86dd])),
  "meta iifname": input,
  "meta iif": input,
  "meta oifname": output,
  "meta oif": output,
  "meta skuid": user,
  "meta pkttype": plain(() => ["host", "unicast", 0]),
  // iptables calls a changed destination a state.
  "ct state": plain(({ isTranslated, isUntracked }) =>
    isUntracked === true ? ["invalid", 1] : ["new", 8, ...(isTranslated ? ["dnat"] : [])],
  ),
  "ct status": plain(({ isTranslated }) => (isTranslated ? ["dnat", 32] : [])),
  "ct direction": plain(() => ["original", 0]),
  "fib daddr type": plain(({ from, isPassedOn }) => (isPassedOn || from === undefined ? ["unicast"] : ["local"])),
  // "Would an answer go back the same way?" It would, for whoever is not faking.
  "fib saddr oif": plain(() => [true]),
  "exthdr rt": () => "no",
};

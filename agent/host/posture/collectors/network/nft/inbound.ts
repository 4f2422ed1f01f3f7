/** Which ports the packet filter lets a stranger reach: on this machine, and behind it by forwarding. */
import { both, type Level } from "./level.ts";
import type { Packet } from "./packet.ts";
import { merged, portClasses, type PortRange } from "./ports.ts";
import type { Ruleset, Translation } from "./rule.ts";
import { pass } from "./walk.ts";

/** How this machine hangs in its networks. */
export interface Standing {
  /** Interfaces that strangers send to. */
  readonly outside: readonly {
    readonly name: string;
    readonly ip: readonly string[];
    readonly ip6: readonly string[];
  }[];
  /** Which interface leads to an address behind this machine, where it is known. */
  readonly interfaceTowards: (address: string) => string | undefined;
  readonly isOwn: (address: string) => boolean;
  readonly forwards: { readonly 4: boolean; readonly 6: boolean };
}

export type Answer = "open" | "closed" | "unknown";

export interface Opening extends PortRange {
  readonly family: 4 | 6;
  readonly protocol: "tcp" | "udp";
  readonly answer: "open" | "unknown";
  readonly chain: string;
  readonly comment: string | undefined;
}

export interface Forwarding {
  readonly family: 4 | 6;
  readonly protocol: "tcp" | "udp";
  readonly from: number;
  readonly to: number;
  /** Undefined: an address that the rule takes from elsewhere. */
  readonly target: string | undefined;
  readonly answer: "open" | "unknown";
  readonly chain: string;
}

export interface Inbound {
  readonly openings: readonly Opening[];
  readonly forwardings: readonly Forwarding[];
  /** Words of rules that were not understood, where they decide. */
  readonly unread: readonly string[];
}

const protocols = ["tcp", "udp"] as const;

export function answerOf(level: Level): Answer {
  if (level === "no") return "closed";
  return level === "maybe" ? "unknown" : "open";
}

/** Undefined: it names too many ports to be walked through. */
export function inboundOf(ruleset: Ruleset, standing: Standing): Inbound | undefined {
  const classes = portClasses(ruleset);
  if (classes === undefined) return undefined;
  const openings: Opening[] = [];
  const forwardings: Forwarding[] = [];
  const unread = new Set<string>();
  for (const packet of strangers(standing)) {
    const found = classes.map((range) => through({ ruleset, standing }, { ...packet, port: range.from }, range));
    const { family, protocol } = packet;
    for (const one of found) {
      if (one.answer !== "closed")
        openings.push({ ...one.range, family, protocol, answer: one.answer, chain: one.chain, comment: one.comment });
      forwardings.push(...one.forwardings);
      for (const word of one.unread) unread.add(word);
    }
  }
  return {
    openings: merged(unique(openings), alike),
    forwardings: merged(unique(forwardings), alike),
    unread: [...unread],
  };
}

function strangers({ outside }: Standing): readonly Packet[] {
  return outside.flatMap(({ name, ip, ip6 }) =>
    ([4, 6] as const).flatMap((family) => {
      const to = family === 4 ? ip : ip6;
      if (to.length === 0) return [];
      return protocols.map((protocol): Packet => {
        const way = { from: { interface: name }, to, toInterface: undefined, isPassedOn: false, isTranslated: false };
        return { family, protocol, port: 0, ...way };
      });
    }),
  );
}

interface Through {
  readonly range: PortRange;
  readonly answer: Answer;
  readonly chain: string;
  readonly comment: string | undefined;
  readonly forwardings: readonly Forwarding[];
  readonly unread: readonly string[];
}

interface Ground {
  readonly ruleset: Ruleset;
  readonly standing: Standing;
}

function through(ground: Ground, packet: Packet, range: PortRange): Through {
  const { ruleset } = ground;
  const before = pass(ruleset, "prerouting", packet);
  const into = pass(ruleset, "input", packet);
  const { translations } = pass(ruleset, "prerouting nat", packet);
  const forwardings: Forwarding[] = [];
  // Once its destination is changed for sure it does not come in here any more.
  let stays: Level = "yes";
  for (const { level, translation, chain } of translations) {
    if (level === "yes") stays = "no";
    const target = translation.toSelf ? "this machine" : translation.address;
    const reached = both(both(level, before.accepted), arrives(ground, packet, translation));
    const answer = answerOf(reached);
    const { family, protocol } = packet;
    if (answer !== "closed") forwardings.push({ ...range, family, protocol, target, answer, chain });
  }
  const { by } = into;
  return {
    range,
    answer: answerOf(both(stays, both(before.accepted, into.accepted))),
    chain: by?.chain ?? "no rule",
    comment: by?.comment,
    forwardings,
    unread: [...before.unread, ...into.unread],
  };
}

function arrives(
  { ruleset, standing }: Ground,
  packet: Packet,
  { address, port = packet.port, toSelf }: Translation,
): Level {
  const changed: Packet = { ...packet, port, isTranslated: true };
  if (toSelf || (address !== undefined && standing.isOwn(address))) {
    // What the rules for this machine would let in anyway is no way around them.
    if (pass(ruleset, "input", { ...packet, port }).accepted !== "no") return "no";
    return pass(ruleset, "input", changed).accepted;
  }
  if (!standing.forwards[packet.family]) return "no";
  const toInterface = address === undefined ? undefined : standing.interfaceTowards(address);
  const to = address === undefined ? undefined : [address];
  return pass(ruleset, "forward", { ...changed, to, toInterface, isPassedOn: true }).accepted;
}

interface Alike extends PortRange {
  readonly family: 4 | 6;
  readonly protocol: string;
  readonly answer: string;
  readonly chain: string;
  readonly comment?: string | undefined;
  readonly target?: string | undefined;
}

function alike(one: Alike, other: Alike): boolean {
  const words = (item: Alike): string =>
    [item.family, item.protocol, item.answer, item.chain, item.comment, item.target].join("\n");
  return words(one) === words(other);
}

/** Two interfaces mostly say the same. */
function unique<T extends Alike>(all: readonly T[]): readonly T[] {
  return all.filter((one, index) => all.findIndex((other) => other.from === one.from && alike(one, other)) === index);
}

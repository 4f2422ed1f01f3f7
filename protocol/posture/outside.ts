/**
 * The look from outside: a host asks its edge to knock at the host's own public address. Two signed words. `look`: the host's
 * question, which names the command of the person who wanted it; `looked`: the edge's answer. An edge must not become a scanner of
 * strangers, so nobody names an address anywhere in this: it is where the tunnel comes from at that moment. Ports are few, and of a
 * short list. No banner is read: whether a connection is made is all that is asked. Decides nothing about findings.
 */
import * as v from "valibot";
import { codec, digest, id, nonce, seconds, version } from "../fields.ts";
import { formatNetwork, isInside, parseAddress, parseNetwork, type Address } from "../networks.ts";

/** What a host is commonly left open with: SSH, a web server, and the gateway's own port. */
export const COMMON_PORTS = [22, 80, 443, 18_789] as const;
/** Below this only the common ones: whoever shares an address with the host has other services there, which are nobody's business. */
const MIN_NAMED_PORT = 1_024;
/** The common ones, and as many again that the host names: its gateways' and its SSH server's. */
export const MAX_LOOK_PORTS = 8;
/** A far machine answers well below a second; what has said nothing by then says nothing. */
export const KNOCK_SECONDS = 3;
/** Cloudflare lets one request open six connections at a time; the rest would wait and be called silent. */
export const KNOCKS_AT_ONCE = 4;
/** Two rounds of knocks, the way there and back, and a busy edge. */
export const LOOK_ANSWER_SECONDS = 20;
/** What was seen longer ago says nothing about today. */
export const LOOK_KEPT_SECONDS = 7 * 86_400;

export function isLookPort(port: number): boolean {
  return COMMON_PORTS.some((one) => one === port) || (port >= MIN_NAMED_PORT && port <= 65_535);
}

/** What is knocked at for a host that names these, the gateway's first: the common ones, and as many of its own as there is room for. */
export function lookPortsOf(named: readonly number[]): readonly number[] {
  const ports = new Set<number>(COMMON_PORTS);
  for (const port of named) if (isLookPort(port) && ports.size < MAX_LOOK_PORTS) ports.add(port);
  return [...ports].toSorted((a, b) => a - b);
}

const port = v.pipe(v.number(), v.safeInteger(), v.check(isLookPort, "a port that may be knocked at"));
const ascending = (ports: number[]): boolean => ports.every((one, i) => i === 0 || (ports[i - 1] ?? 0) < one);
const portList = v.pipe(v.array(port), v.minLength(1), v.maxLength(MAX_LOOK_PORTS), v.check(ascending, "ascending"));

/** The host's question, signed with its host key. It counts on the tunnel that it names, once. */
const lookSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  tunnel: nonce,
  /** The command that asked for it: the edge has it in its ledger, with who gave it, or does not knock. */
  intent: digest,
  ports: portList,
  nonce,
});
export type Look = v.InferOutput<typeof lookSchema>;
export const lookCodec = codec(lookSchema);

/**
 * `open`: a connection was made. `closed`: none was, and that was said at once: refused, or the edge's own network did not let it
 * try (its runtime does not tell the two apart). `filtered`: nothing was said in `KNOCK_SECONDS`. `error`: knocking itself went wrong.
 */
export const knockStates = ["open", "closed", "filtered", "error"] as const;
export type KnockState = (typeof knockStates)[number];

/** From where it was looked: as the internet does, or from a network that both are in. */
export const vantages = ["internet", "network"] as const;
export type Vantage = (typeof vantages)[number];

const knockSchema = v.strictObject({ port, state: v.picklist(knockStates) });
export type Knock = v.InferOutput<typeof knockSchema>;

const addressText = v.pipe(
  v.string(),
  v.maxLength(45),
  v.check((text) => {
    const address = parseAddress(text);
    return address !== undefined && addressTextOf(address) === text;
  }, "an address, written shortest"),
);
const seenEntries = {
  vantage: v.picklist(vantages),
  /** Where the tunnel came from, which is what was knocked at. */
  address: addressText,
  /** Of each port that was asked for, in that order. */
  ports: v.pipe(v.array(knockSchema), v.minLength(1), v.maxLength(MAX_LOOK_PORTS)),
};

/** Why an edge did not look. */
export const lookRefusals = [
  "look_unasked", // no person's command, in the ledger and under way, asks for it
  "look_too_often",
  "look_same_machine", // the edge would look at itself
  "look_no_address", // nobody told the edge where the tunnel comes from
  "look_odd_address", // one that leads to no single machine of somebody's
] as const;
export type LookRefusal = (typeof lookRefusals)[number];

/** The edge's answer, signed with the dispatch key that the trust log names. */
const lookedSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  /** Digest of the question. */
  look: digest,
  /** Edge clock. */
  at: seconds,
  answer: v.variant("kind", [
    v.strictObject({ kind: v.literal("seen"), ...seenEntries }),
    v.strictObject({ kind: v.literal("refused"), code: v.picklist(lookRefusals) }),
  ]),
});
export type Looked = v.InferOutput<typeof lookedSchema>;
export type LookAnswer = Looked["answer"];
export const lookedCodec = codec(lookedSchema);

/** True when this answers that question and nothing else: the same ports, in their order, each once. */
export function answersLook({ answer }: Pick<Looked, "answer">, asked: readonly number[]): boolean {
  if (answer.kind === "refused") return true;
  return answer.ports.length === asked.length && answer.ports.every((one, i) => one.port === asked[i]);
}

/** What a host keeps of the last look, and shows. */
export const outsideLookSchema = v.strictObject({
  v: version,
  /** Host clock, when the answer came. */
  at: seconds,
  /** Who looked. Its word alone: a hostile edge can say what it likes, so no check passes by it. */
  by: v.picklist(["edge"]),
  /** Random id of the person, or of the automation key, who asked for it. */
  author: v.pipe(v.string(), v.maxLength(64)),
  /** Which rules the packet filter had then; absent where nobody could read them. */
  rules: v.optional(digest),
  ...seenEntries,
});
export type OutsideLook = v.InferOutput<typeof outsideLookSchema>;

const networksOf = (texts: readonly string[]) => texts.flatMap((text) => parseNetwork(text) ?? []);
/** RFC 1918, RFC 6598 (also Tailscale's), RFC 4193. */
const PRIVATE = networksOf(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]);
/**
 * This network, one link, many machines, or another protocol's addresses in disguise (RFC 6890, 6052, 2765, 4380, 3056, 3879): an honest
 * tunnel comes from none of them.
 */
const ODD = networksOf([
  "0.0.0.0/8",
  "169.254.0.0/16",
  "192.0.0.0/24",
  "224.0.0.0/3",
  "::/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "::ffff:0:0:0/96",
  "2001::/32",
  "2002::/16",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
]);
const LOOPBACK = networksOf(["127.0.0.0/8", "::1"]);

export type Place =
  | { readonly kind: "place"; readonly address: string; readonly vantage: Vantage }
  | { readonly kind: "refused"; readonly code: LookRefusal };

/**
 * Where an edge may knock for a host whose tunnel comes from `source`, which is an address and never a name: a name could lead
 * elsewhere by the time it is used. `colocated`: the trust log says that edge and host are one machine, where a look proves nothing
 * and reaches what is meant for that machine alone.
 */
export function placeOf(source: string | undefined, { colocated }: { readonly colocated: boolean }): Place {
  const address = source === undefined ? undefined : parseAddress(source);
  if (address === undefined) return { kind: "refused", code: "look_no_address" };
  const isIn = (networks: typeof PRIVATE): boolean => networks.some((network) => isInside(address, network));
  if (colocated || isIn(LOOPBACK)) return { kind: "refused", code: "look_same_machine" };
  if (isIn(ODD)) return { kind: "refused", code: "look_odd_address" };
  return { kind: "place", address: addressTextOf(address), vantage: isIn(PRIVATE) ? "network" : "internet" };
}

function addressTextOf(address: Address): string {
  return formatNetwork({ ...address, length: address.family === 4 ? 32 : 128 });
}

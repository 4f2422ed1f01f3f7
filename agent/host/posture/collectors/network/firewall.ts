/** Facts about the packet filter: what it lets in, what it passes on, whether it is the approved one, and who brings it back. */
import { createHash } from "node:crypto";
import type { Setting } from "../../collector.ts";
import { known, unknown, type Fact, type Known } from "../../fact.ts";
import type { FactSet } from "../../facts.ts";
import type { Machine } from "../../machine.ts";
import { readApproved, type ApprovedNetwork } from "./approved.ts";
import { isOutside, isVpn, standingOf, type Forwards, type Interface } from "./interfaces.ts";
import { askForRules, LISTING, rulesOf, type Listed } from "./listing.ts";
import { inboundOf, type Answer, type Forwarding, type Inbound, type Opening } from "./nft/inbound.ts";
import { either, type Level } from "./nft/level.ts";
import { answerOf } from "./nft/inbound.ts";
import type { Rule, Ruleset } from "./nft/rule.ts";
import { pass } from "./nft/walk.ts";
import { readUfw, type Ufw } from "./ufw.ts";
import { ZONES_FILE, zonesIn, type Zone } from "./zones.ts";

export interface OwnedOpening extends Opening {
  /** Why it is there, as far as anybody wrote it down. */
  readonly reason: string;
}

export interface FirewallFacts {
  /** What a stranger reaches on this machine. */
  "fw.inbound": { readonly openings: readonly OwnedOpening[]; readonly families: readonly (4 | 6)[] };
  /** What he reaches behind it. */
  "fw.forwarded": readonly (Forwarding & { readonly isApproved: boolean })[];
  "fw.live": {
    readonly digest: string;
    readonly approved: string | undefined;
    /** `missing`: it calls itself enabled and its rules are not in the kernel. */
    readonly ufw: "off" | "loaded" | "missing";
    /** Of everything that these facts were made of. */
    readonly mark: string;
  };
  "fw.boot": {
    readonly isUfwLive: boolean;
    readonly otherTables: readonly string[];
    readonly units: readonly BootUnit[];
  };
  /** Which of the machine's networks reach one another through it. */
  "net.passes": {
    readonly networks: readonly string[];
    readonly passes: readonly {
      readonly from: string;
      readonly to: string;
      readonly family: 4 | 6;
      readonly answer: Answer;
    }[];
    /** Roles that somebody gave, each with what the rules let in beyond it. */
    readonly zones?: readonly {
      readonly interface: string;
      readonly role: string;
      readonly beyond: readonly Opening[];
    }[];
  };
}

export interface BootUnit {
  readonly unit: string;
  readonly isEnabled: boolean;
}

export const firewallGives = ["fw.inbound", "fw.forwarded", "fw.live", "fw.boot", "net.passes"] as const;

interface Ground {
  readonly zones: readonly Zone[];
  readonly machine: Machine;
  readonly at: number;
  readonly interfaces: readonly Interface[];
  readonly forwards: Forwards;
  readonly ufw: Ufw;
  readonly approved: ApprovedNetwork;
  readonly mark: string;
}

type Facts = { readonly [N in keyof FirewallFacts]: Fact<FirewallFacts[N]> };

export async function firewallFacts(
  { machine, directory, kept = {} }: Setting,
  network: { readonly interfaces: readonly Interface[] | undefined; readonly forwards: Forwards },
): Promise<Facts> {
  const [answer, ufw, approved, units] = await Promise.all([
    askForRules(machine),
    readUfw(machine),
    readApproved(machine, directory),
    readUnits(machine),
  ]);
  if (answer.kind !== "listed") return nothing(answer.kind, answer.source);
  const { interfaces, forwards } = network;
  if (interfaces === undefined) return nothing("failed", "ip -j -d address");
  const at = machine.now();
  // Once a day it is walked anew whatever it says, so that a newer program's eyes see it too.
  const day = Math.floor(at / 86_400);
  const zones = zonesIn(await zonesText(machine));
  const mark = markOf([zones, day, answer.digest, answer.legacy, interfaces, forwards, ufw, approved, units?.raw]);
  const same = unmoved(kept, mark, { at, raw: answer.raw });
  if (same !== undefined) return same;
  const ruleset = rulesOf(answer);
  if (ruleset === undefined) return nothing("malformed", LISTING);
  const listed = { ...answer, ruleset };
  const ground: Ground = { zones, machine, at, interfaces, forwards, ufw, approved, mark };
  const inbound = inboundOf(ruleset, standingOf(interfaces, forwards));
  return {
    "fw.inbound": inbound === undefined ? unknown("malformed", LISTING) : inboundFact(inbound, listed, ground),
    "fw.forwarded": inbound === undefined ? unknown("malformed", LISTING) : forwardedFact(inbound, listed, ground),
    "fw.live": liveFact(listed, ground),
    "fw.boot": bootFact(listed, units, ground),
    "net.passes": passesFact(listed, ground),
  };
}

/** All that the facts are made of. Walking the rules takes longer than asking for them, and mostly nothing moved. */
function markOf(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}

function unmoved(kept: FactSet, mark: string, now: { readonly at: number; readonly raw: string }): Facts | undefined {
  const live = again(kept["fw.live"], now);
  const inbound = again(kept["fw.inbound"], now);
  const forwarded = again(kept["fw.forwarded"], now);
  const boot = again(kept["fw.boot"], now);
  const passes = again(kept["net.passes"], now);
  if (live?.value.mark !== mark) return undefined;
  if (inbound === undefined || forwarded === undefined || boot === undefined || passes === undefined) return undefined;
  return { "fw.inbound": inbound, "fw.forwarded": forwarded, "fw.live": live, "fw.boot": boot, "net.passes": passes };
}

function again<T>(
  fact: Fact<T> | undefined,
  { at, raw }: { readonly at: number; readonly raw: string },
): Known<T> | undefined {
  if (fact?.kind !== "known") return undefined;
  const isListing = fact.evidence.source === LISTING;
  const digest = isListing ? { digest: createHash("sha256").update(raw).digest("base64url") } : {};
  return { ...fact, evidence: { ...fact.evidence, at, ...digest } };
}

function nothing(why: Parameters<typeof unknown>[0], source: string): Facts {
  const fact = unknown(why, source);
  return { "fw.inbound": fact, "fw.forwarded": fact, "fw.live": fact, "fw.boot": fact, "net.passes": fact };
}

type Full = Extract<Listed, { readonly kind: "listed" }>;

const seen = ({ raw }: Full, { at }: Ground, excerpt: string) =>
  ({ level: "runtime", source: LISTING, at, raw, excerpt, exit: 0 }) as const;

/** What could not be read of the rules holds back a pass. */
function withGap<T>(fact: Known<T>, words: readonly string[]): Known<T> {
  return words.length === 0
    ? fact
    : {
        ...fact,
        gap: { why: "unread_rules", source: `rules that could not be read: ${words.slice(0, 6).join(", ")}` },
      };
}

function inboundFact(inbound: Inbound, listed: Full, ground: Ground): Fact<FirewallFacts["fw.inbound"]> {
  const { ufw, approved, interfaces } = ground;
  const openings = inbound.openings.map((one) => ({ ...one, reason: reasonOf(one, ufw, approved) }));
  const families = ([4, 6] as const).filter((family) =>
    interfaces.some(
      (one) => isOutside(one) && one.addresses.some(({ address }) => address.includes(":") === (family === 6)),
    ),
  );
  const open = openings.filter(({ answer }) => answer === "open");
  const excerpt = open.length === 0 ? "no port is open to everybody" : `open: ${open.map(nameOf).join(", ")}`;
  const unread = openings.some(({ answer }) => answer === "unknown") ? ["words of nft", ...inbound.unread] : [];
  const legacy = open.length > 0 ? listed.legacy : []; // they can only shut more
  const fact = known({ openings, families }, seen(listed, ground, excerpt));
  return withGap(fact, [...unread, ...legacy]);
}

export function nameOf({ family, protocol, from, to }: Opening | Forwarding): string {
  const ports = from === to ? String(from) : `${String(from)}-${String(to)}`;
  return `${protocol} ${ports} (IPv${String(family)})`;
}

/** The rule's own comment, what ufw was told, or what was approved here: for all of its ports. */
function reasonOf({ protocol, from, to, comment, chain }: Opening, ufw: Ufw, approved: ApprovedNetwork): string {
  if (comment !== undefined && comment !== "") return comment;
  if (/ ufw6?-before-input$/.test(chain)) return "ufw's own";
  const rules = [
    ...ufw.rules.filter(({ reason }) => reason !== ""),
    ...approved.doors.map((door) => ({ ...door, from: door.port, to: door.port })),
  ].filter((one) => one.protocol === "any" || one.protocol === protocol);
  const covering: string[] = [];
  for (let port = from; port <= to;) {
    const rule = rules.find((one) => one.from <= port && port <= one.to);
    if (rule === undefined) return "";
    covering.push(rule.reason);
    port = rule.to + 1;
  }
  return [...new Set(covering)].join(", ");
}

function forwardedFact(inbound: Inbound, listed: Full, ground: Ground): Fact<FirewallFacts["fw.forwarded"]> {
  const { forwardings } = inbound;
  const rows = forwardings.map((one) => ({
    ...one,
    isApproved: ground.approved.doors.some(
      ({ protocol, port }) => protocol === one.protocol && port === one.from && port === one.to,
    ),
  }));
  const excerpt = rows.length === 0 ? "nothing is forwarded" : rows.map(forwardingOf).join("; ");
  const unread = rows.some(({ answer }) => answer === "unknown") ? ["words of nft", ...inbound.unread] : [];
  const legacy = listed.legacy.filter((name) => name.endsWith(" nat"));
  return withGap(known(rows, seen(listed, ground, excerpt)), [...unread, ...legacy]);
}

export function forwardingOf(one: Forwarding): string {
  return `${nameOf(one)} goes to ${one.target ?? "an address from a map"}, by ${one.chain}`;
}

/** Its chains, and the chain of the kernel that jumps to them. */
function isUfwLive(ruleset: Ruleset): boolean {
  return ruleset.chains.some(
    ({ base, rules }) =>
      base?.hook === "input" &&
      rules.some(({ statements }) =>
        statements.some(
          (one) => one.kind === "verdict" && one.verdict.kind === "jump" && one.verdict.chain === "ufw-before-input",
        ),
      ),
  );
}

function liveFact(listed: Full, ground: Ground): Fact<FirewallFacts["fw.live"]> {
  const { ufw, approved, mark } = ground;
  const state = ufw.isEnabled ? (isUfwLive(listed.ruleset) ? "loaded" : "missing") : "off";
  const value = { digest: listed.digest, approved: approved.ruleset?.digest, ufw: state, mark } as const;
  const fact = known(
    value,
    seen(listed, ground, `${String(listed.ruleset.chains.length)} chains, digest ${listed.digest}`),
  );
  // Nobody said which rules are right: nothing to have drifted from, and nothing to be sure of.
  if (value.approved !== undefined) return fact;
  return {
    ...fact,
    gap: { why: "not_approved", source: `no rule set was approved on this host; name of this one: ${listed.digest}` },
  };
}

const UNITS = [
  "ufw.service",
  "nftables.service",
  "netfilter-persistent.service",
  "firewalld.service",
  "clawhold-firewall.service",
  "clawhold-guard.service",
] as const;

async function readUnits(
  machine: Machine,
): Promise<{ readonly units: readonly BootUnit[]; readonly raw: string } | undefined> {
  const answer = await machine.run(["systemctl", "show", "--property=Id,UnitFileState", ...UNITS]);
  if (answer.kind !== "ran" || answer.exit !== 0) return undefined;
  const units = answer.stdout.split("\n\n").flatMap((block) => {
    const unit = /^Id=(.+)$/m.exec(block)?.[1];
    if (unit === undefined) return [];
    return [{ unit, isEnabled: /^UnitFileState=(?:enabled|static|generated)$/m.test(block) }];
  });
  return { units, raw: answer.stdout };
}

function bootFact(
  listed: Full,
  read: Awaited<ReturnType<typeof readUnits>>,
  { at }: Ground,
): Fact<FirewallFacts["fw.boot"]> {
  const source = "systemctl show --property=Id,UnitFileState, nft -j list ruleset";
  if (read === undefined) return unknown("missing_tool", source);
  const guarding = listed.ruleset.chains.filter(
    ({ base, rules }) =>
      (base?.hook === "input" || base?.hook === "prerouting") && (base.drops || rules.some((rule) => !isOfBans(rule))),
  );
  const live = isUfwLive(listed.ruleset);
  const tables = guarding.map(({ family, table }) => `${family} ${table}`);
  const otherTables = [...new Set(tables)].filter(
    (name) => !name.endsWith(" f2b-table") && !(live && /^ip6? (?:filter|raw|mangle|nat)$/.test(name)),
  );
  const value = { isUfwLive: live, otherTables, units: read.units };
  const enabled = read.units.filter(({ isEnabled }) => isEnabled).map(({ unit }) => unit);
  const excerpt = `enabled: ${enabled.join(", ") || "none"}; in the kernel: ${[...(live ? ["ufw"] : []), ...otherTables].join(", ") || "nothing"}`;
  return known(value, { level: "effective", source, at, raw: read.raw, excerpt, exit: 0 });
}

/** The ban service makes its rules anew whenever it starts. */
function isOfBans({ statements }: Rule): boolean {
  return statements.some(
    (one) => one.kind === "verdict" && one.verdict.kind === "jump" && one.verdict.chain.startsWith("f2b-"),
  );
}

function passesFact(listed: Full, ground: Ground): Fact<FirewallFacts["net.passes"]> {
  const { interfaces, forwards } = ground;
  const networks = interfaces.filter((one) => one.addresses.length > 0 && (isOutside(one) || (one.isUp && isVpn(one))));
  const pairs = networks.flatMap((from) => networks.filter((to) => to !== from).map((to) => ({ from, to })));
  const passes = pairs.flatMap(({ from, to }) =>
    ([4, 6] as const)
      .filter((family) => forwards[family])
      .map((family) => ({
        from: from.name,
        to: to.name,
        family,
        answer: between(listed.ruleset, family, { from: from.name, to: to.name }),
      })),
  );
  const isOn = forwards[4] || forwards[6];
  const told = passes.map(({ from, to, family, answer }) => `${from} -> ${to} (IPv${String(family)}): ${answer}`);
  const excerpt = isOn ? told.join("; ") || "one network" : "forwarding is off";
  const zones = ground.zones.map((zone) => ({
    interface: zone.interface,
    role: zone.role,
    beyond: beyond(listed.ruleset, zone, ground),
  }));
  const fact = known({ networks: networks.map(({ name }) => name), passes, zones }, seen(listed, ground, excerpt));
  return withGap(fact, passes.some(({ answer }) => answer === "unknown") ? ["words of nft"] : []);
}

/** A stranger in that network: what he reaches, and its role does not name. */
function beyond(
  ruleset: Ruleset,
  { interface: name, lets }: Zone,
  { interfaces, forwards }: Ground,
): readonly Opening[] {
  const own = interfaces.find((one) => one.name === name);
  if (lets === undefined || own === undefined) return [];
  const addresses = own.addresses.map(({ address }) => address);
  const card = {
    name,
    ip: addresses.filter((address) => !address.includes(":")),
    ip6: addresses.filter((address) => address.includes(":")),
  };
  const found = inboundOf(ruleset, { ...standingOf(interfaces, forwards), outside: [card] });
  return (found?.openings ?? [])
    .filter(({ protocol, from, to }) => !isListed({ protocol, from, to }, lets))
    .filter(({ chain, protocol, from, to }) => !isNeeded({ chain, protocol, from, to }));
}

/** Neighbouring ports come as one range. */
function isListed({ protocol, from, to }: Pick<Opening, "protocol" | "from" | "to">, lets: readonly string[]): boolean {
  const named = lets.filter((one) => {
    const [its, port = ""] = one.split("/");
    return its === protocol && Number(port) >= from && Number(port) <= to;
  });
  return named.length === to - from + 1;
}

/** How a machine gets its address, which a card of any role must. */
function isNeeded({ protocol, from, to }: Pick<Opening, "chain" | "protocol" | "from" | "to">): boolean {
  return protocol === "udp" && from === to && (from === 68 || from === 546);
}

async function zonesText(machine: Machine): Promise<string> {
  const file = await machine.read(ZONES_FILE);
  return file.kind === "text" ? file.text : "";
}

/** A port that no rule speaks of would be one more way; a few that they do speak of are enough to call it a bridge. */
function between(
  ruleset: Ruleset,
  family: 4 | 6,
  { from, to: toInterface }: { readonly from: string; readonly to: string },
): Answer {
  const level = (["tcp", "udp"] as const).reduce<Level>((found, protocol) => {
    const packet = { family, protocol, port: 1, from: { interface: from }, to: undefined, toInterface } as const;
    return either(found, pass(ruleset, "forward", { ...packet, isPassedOn: true, isTranslated: false }).accepted);
  }, "no");
  return answerOf(level);
}

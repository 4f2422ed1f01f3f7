/** Rule sets as nft and iptables-nft-save of Debian 12 and 13 printed them, and small ones made of their expressions. */
import { readFileSync } from "node:fs";
import {
  inboundOf,
  type Inbound,
  type Standing,
} from "../../../../../agent/host/posture/collectors/network/nft/inbound.ts";
import { parseRuleset } from "../../../../../agent/host/posture/collectors/network/nft/parse.ts";
import type { Ruleset } from "../../../../../agent/host/posture/collectors/network/nft/rule.ts";
import { nothingSaved, parseSaved } from "../../../../../agent/host/posture/collectors/network/nft/xtables.ts";

export const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}`, import.meta.url), "utf8");

export const standing: Standing = {
  outside: [{ name: "eth0", ip: ["203.0.113.10"], ip6: ["2001:db8::10"] }],
  interfaceTowards: (address) => (address.startsWith("172.17.") ? "docker0" : undefined),
  isOwn: (address) => address === "203.0.113.10",
  forwards: { 4: true, 6: true },
};

export function read(name: string, saved: "with" | "without" = "with"): Ruleset {
  const lines =
    saved === "with" ? parseSaved({ ip: recorded(`${name}.save`), ip6: recorded(`${name}.save6`) }) : nothingSaved;
  return parsed(recorded(`${name}.json`), lines);
}

function parsed(text: string, saved = nothingSaved): Ruleset {
  const ruleset = parseRuleset(text, saved);
  if (ruleset === undefined) throw new TypeError("not a listing");
  return ruleset;
}

type Expressions = readonly unknown[];

export interface ChainOf {
  readonly name?: string;
  readonly table?: string;
  readonly family?: string;
  readonly hook?: string;
  readonly type?: string;
  readonly priority?: number;
  readonly policy?: "accept" | "drop";
  readonly rules: readonly Expressions[];
}

/** In the words of nft's JSON. A chain without a hook is entered by jumps. */
export function listing(...chains: readonly ChainOf[]): string {
  const objects = chains.flatMap(({ name = "c", table = "t", family = "inet", rules, ...base }) => [
    { chain: { family, table, name, ...baseOf(base) } },
    ...rules.map((expr) => ({ rule: { family, table, chain: name, expr } })),
  ]);
  return JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...objects] });
}

function baseOf({ hook, type = "filter", priority = 0, policy = "accept" }: Omit<ChainOf, "rules">): object {
  return hook === undefined ? {} : { type, hook, prio: priority, policy };
}

export function ruleset(...chains: readonly ChainOf[]): Ruleset {
  return parsed(listing(...chains));
}

export const input = (policy: "accept" | "drop", ...rules: readonly Expressions[]): ChainOf => ({
  name: "input",
  hook: "input",
  policy,
  rules,
});

/** `key` as in "tcp dport" or "meta iifname". */
export function match(key: string, right: unknown, op = "=="): object {
  const [first = "", field = ""] = key.split(" ");
  const left =
    first === "meta" || first === "ct" ? { [first]: { key: field } } : { payload: { protocol: first, field } };
  return { match: { op, left, right } };
}

export const accept = { accept: null };
export const drop = { drop: null };
export const jump = (target: string): object => ({ jump: { target } });

export function inbound(rules: Ruleset, where: Standing = standing): Inbound {
  const found = inboundOf(rules, where);
  if (found === undefined) throw new TypeError("too many ports");
  return found;
}

/** `open tcp 22 4`, one line each. */
export function told(rules: Ruleset, where: Standing = standing): readonly string[] {
  return inbound(rules, where).openings.map(({ answer, protocol, from, to, family }) => {
    const ports = from === to ? String(from) : `${String(from)}-${String(to)}`;
    return `${answer} ${protocol} ${ports} v${String(family)}`;
  });
}

/** What a stranger gets on one port over TCP and IPv4. */
export function answer(rules: Ruleset, port = 4444): string {
  const hit = inbound(rules).openings.find(
    (one) => one.family === 4 && one.protocol === "tcp" && one.from <= port && port <= one.to,
  );
  return hit?.answer ?? "closed";
}

/** `nft -j list ruleset` as rules: docs of libnftables-json(5), and what nft 1.0.6 and 1.1.3 really print. */
import { isObject, listOf, member, numberOf, only, parsedJson, textOf } from "./json.ts";
import { statementsOf, type Sets } from "./statement.ts";
import type { Chain, Family, Rule, Ruleset, Statement } from "./rule.ts";
import { resolve, type Saved } from "./xtables.ts";

const families: readonly string[] = ["ip", "ip6", "inet"];

function isFamily(text: string): text is Family {
  return families.includes(text);
}

/** Undefined: it is not what nft prints. `saved`: the same rules of iptables-nft as iptables-nft-save prints them. */
export function parseRuleset(text: string, saved: Saved): Ruleset | undefined {
  const listing = member(parsedJson(text), "nftables");
  if (!Array.isArray(listing)) return undefined;
  const objects: readonly unknown[] = listing;
  const sets = setsOf(objects);
  const rules = rulesByChain(objects);
  const chains: Chain[] = [];
  for (const object of objects) {
    const chain = member(object, "chain");
    const family = textOf(member(chain, "family"));
    if (family === undefined || !isFamily(family)) continue; // bridges, devices and ARP: they only take packets away
    const table = textOf(member(chain, "table")) ?? "";
    const name = textOf(member(chain, "name")) ?? "";
    const raw = rules.get(placeOf(family, table, name)) ?? [];
    const context = { sets: sets.get(placeOf(family, table, "")) ?? new Map(), saved, family, table, name };
    chains.push({ family, table, name, rules: parseRules(raw, context), base: baseOf(chain) });
  }
  return { chains };
}

function placeOf(...parts: readonly string[]): string {
  return parts.join("\n");
}

function setsOf(objects: readonly unknown[]): Map<string, Sets> {
  const found = new Map<string, Map<string, readonly unknown[]>>();
  for (const object of objects) {
    const set = member(object, "set") ?? member(object, "map");
    if (!isObject(set)) continue;
    const place = placeOf(textOf(set["family"]) ?? "", textOf(set["table"]) ?? "", "");
    const sets = found.get(place) ?? new Map<string, readonly unknown[]>();
    sets.set(`@${textOf(set["name"]) ?? ""}`, listOf(set["elem"]));
    found.set(place, sets);
  }
  return found;
}

function rulesByChain(objects: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const object of objects) {
    const rule = member(object, "rule");
    if (!isObject(rule)) continue;
    const place = placeOf(...["family", "table", "chain"].map((name) => textOf(rule[name]) ?? ""));
    const rules = found.get(place);
    if (rules === undefined) found.set(place, [rule]);
    else rules.push(rule);
  }
  return found;
}

interface Context {
  readonly sets: Sets;
  readonly saved: Saved;
  readonly family: Family;
  readonly table: string;
  readonly name: string;
}

function parseRules(raw: readonly unknown[], { sets, saved, family, table, name }: Context): readonly Rule[] {
  const lines = saved.lines(family, table, name);
  return raw.map((rule, index) => {
    // Line for line, or not at all: a rule that one of the two does not show would shift all others.
    const line = lines.length === raw.length ? lines[index] : undefined;
    const statements = listOf(member(rule, "expr")).flatMap((expression): readonly Statement[] => {
      const [word, content] = only(expression) ?? ["", undefined];
      if (word === "xt") return resolve(content, line);
      const read = statementsOf(word, content, sets);
      return family === "inet" && isReset(word, content) ? [{ kind: "unknown", word: "tcp reset" }, ...read] : read;
    });
    return { statements, comment: textOf(member(rule, "comment")) ?? line?.comment };
  });
}

/** nft forgets to print a test of the family before it (`meta nfproto ipv6 reject with tcp reset`): for whom it is, nobody sees. */
function isReset(word: string, content: unknown): boolean {
  return word === "reject" && member(content, "type") === "tcp reset";
}

function baseOf(chain: unknown): Chain["base"] {
  const hook = textOf(member(chain, "hook"));
  if (hook === undefined) return undefined;
  return {
    type: textOf(member(chain, "type")) ?? "",
    hook,
    priority: numberOf(member(chain, "prio")) ?? 0,
    drops: textOf(member(chain, "policy")) === "drop",
  };
}

/** Whether rules of iptables-nft are in it, which nft alone does not spell out. */
export function hasXtables(text: string): boolean {
  return text.includes('{"xt":');
}

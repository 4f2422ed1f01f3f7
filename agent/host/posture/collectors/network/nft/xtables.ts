/**
 * Rules that iptables (and so ufw and Docker) put into nft carry matches of their own, which `nft -j` names and does not spell
 * out. `iptables-nft-save` spells them out, rule for rule in the same order. What even that says in words not known here stays
 * unknown.
 */
import { member, textOf } from "./json.ts";
import type { Element, Family, Statement, Test } from "./rule.ts";

/** One line `-A chain ...`, by its modules: `-m conntrack --ctstate NEW` gives "conntrack" and its words. */
export interface SavedRule {
  readonly protocol: string | undefined;
  readonly matches: ReadonlyMap<string, readonly string[]>;
  readonly target: { readonly name: string; readonly words: readonly string[] } | undefined;
  readonly comment: string | undefined;
}

export interface Saved {
  lines(family: Family, table: string, chain: string): readonly SavedRule[];
}

export const nothingSaved: Saved = { lines: () => [] };

/** The answers of iptables-nft-save and ip6tables-nft-save. */
export function parseSaved(answers: Readonly<Partial<Record<Family, string>>>): Saved {
  const found = new Map<string, SavedRule[]>();
  for (const [family, answer] of Object.entries(answers)) {
    let table = "";
    for (const line of answer.split("\n")) {
      if (line.startsWith("*")) table = line.slice(1).trim();
      if (!line.startsWith("-A ")) continue;
      const words = wordsOf(line);
      const place = `${family}\n${table}\n${words[1] ?? ""}`;
      const rules = found.get(place) ?? [];
      rules.push(ruleOf(words.slice(2)));
      found.set(place, rules);
    }
  }
  return { lines: (family, table, chain) => found.get(`${family}\n${table}\n${chain}`) ?? [] };
}

function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => plain ?? quoted ?? "");
}

function ruleOf(words: readonly string[]): SavedRule {
  const matches = new Map<string, string[]>();
  let target: { name: string; words: string[] } | undefined;
  let into: string[] = [];
  let protocol: string | undefined;
  for (const [index, word] of words.entries()) {
    const before = words[index - 1];
    if (before === "-m") {
      into = matches.get(word) ?? [];
      matches.set(word, into);
    } else if (before === "-j" || before === "-g") {
      target = { name: word, words: [] };
      into = target.words;
    } else if (before === "-p") protocol = word;
    else if (!["-m", "-j", "-g", "-p"].includes(word)) into.push(word);
  }
  const comment = matches.get("comment")?.at(1);
  return { protocol, matches, target, comment };
}

const unknown = (word: string): readonly Statement[] => [{ kind: "unknown", word }];
const nothing: readonly Statement[] = [{ kind: "nothing" }];
const sometimes: readonly Statement[] = [{ kind: "sometimes" }];

/** `{"xt": {"type": "match", "name": "conntrack"}}` with the line that spells it out. */
export function resolve(content: unknown, line: SavedRule | undefined): readonly Statement[] {
  const name = textOf(member(content, "name")) ?? "?";
  if (textOf(member(content, "type")) === "target") return targetOf(name, line);
  const words = line?.matches.get(name);
  if (rateModules.has(name)) return sometimes;
  if (words === undefined) return unknown(`xt ${name}`);
  return (modules[name] ?? (() => unknown(`xt ${name}`)))(words, line?.protocol ?? "all");
}

const rateModules: ReadonlySet<string> = new Set(["limit", "hashlimit", "connlimit", "statistic", "quota"]);
const quietTargets: ReadonlySet<string> = new Set([
  "LOG",
  "NFLOG",
  "ULOG",
  "MARK",
  "CONNMARK",
  "TCPMSS",
  "CHECKSUM",
  "CT",
  "NOTRACK",
  "SET",
  "DSCP",
  "TOS",
  "CLASSIFY",
  "MASQUERADE",
  "SNAT",
  "TRACE",
]);

function targetOf(name: string, line: SavedRule | undefined): readonly Statement[] {
  if (name === "REJECT") return [{ kind: "verdict", verdict: { kind: "drop" } }];
  if (quietTargets.has(name)) return nothing;
  if (name !== "DNAT" && name !== "REDIRECT") return unknown(`xt ${name}`);
  const words = line?.target?.words ?? [];
  const to = after(words, name === "DNAT" ? "--to-destination" : "--to-ports") ?? "";
  const [, address, port] = /^(?:\[?([0-9A-Fa-f:]+:[0-9A-Fa-f:]*|[0-9.]+)\]?)?:?(\d+)?$/.exec(to) ?? [];
  const toSelf = name === "REDIRECT";
  // `--to-ports 9000` has no colon: the number is the port.
  const number = toSelf ? to : port;
  return [
    {
      kind: "translate",
      translation: {
        address: toSelf ? undefined : address,
        port: number !== undefined && /^\d+$/.test(number) ? Number(number) : undefined,
        toSelf,
      },
    },
  ];
}

function after(words: readonly string[], option: string): string | undefined {
  const index = words.indexOf(option);
  return index < 0 ? undefined : words[index + 1];
}

type Module = (words: readonly string[], protocol: string) => readonly Statement[];

const modules: Readonly<Record<string, Module>> = {
  comment: () => nothing,
  icmp: () => nothing, // together with a test of the protocol, which says no
  icmp6: () => nothing,
  recent: (words) => (words.includes("--set") && !words.includes("!") ? nothing : sometimes),
  conntrack: (words) => conntrackOf(words, "--ctstate"),
  state: (words) => conntrackOf(words, "--state"),
  addrtype: (words) => tested(words, [["--dst-type", "fib daddr type"]]),
  multiport: (words, protocol) => tested(words, [["--dports", `${protocol} dport`]]),
  tcp: (words) => tested(words, [["--dport", "tcp dport"]]),
  udp: (words) => tested(words, [["--dport", "udp dport"]]),
  owner: (words) => tested(words, [["--uid-owner", "meta skuid"]]),
  pkttype: (words) => tested(words, [["--pkt-type", "meta pkttype"]]),
  // A routing header: a stranger may send one, and gains nothing by it.
  rt: () => [{ kind: "test", test: test("exthdr rt", ["present"], false) }],
};

function conntrackOf(words: readonly string[], option: string): readonly Statement[] {
  return tested(words, [
    [option, "ct state"],
    ["--ctstatus", "ct status"],
  ]);
}

/** Every option must be one that is listed: a rule that also asks for something else is not understood. */
function tested(words: readonly string[], known: readonly (readonly [string, string])[]): readonly Statement[] {
  const options = words.filter((word) => word.startsWith("--"));
  const statements = options.map((option): Statement => {
    const key = known.find(([name]) => name === option)?.[1];
    const value = after(words, option);
    if (key === undefined || value === undefined) return { kind: "unknown", word: option };
    const isNegated = words[words.indexOf(option) - 1] === "!";
    return { kind: "test", test: test(key, value.toLowerCase().split(","), isNegated) };
  });
  return statements.length === 0 ? nothing : statements;
}

function test(key: string, values: readonly string[], isNegated: boolean): Test {
  return { keys: [key], isNegated, elements: values.map(elementOf) };
}

function elementOf(text: string): Element {
  const [, from, to] = /^(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (from === undefined) return [{ kind: "one", value: text }];
  if (to === undefined) return [{ kind: "one", value: Number(from) }];
  return [{ kind: "range", from: Number(from), to: Number(to) }];
}

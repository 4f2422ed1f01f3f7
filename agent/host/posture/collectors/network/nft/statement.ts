/** One expression of a rule as nft writes it in JSON, in our words. */
import { isObject, listOf, member, numberOf, only, textOf } from "./json.ts";
import type { Element, Keys, Statement, Test, Translation, Value, Verdict } from "./rule.ts";

/** Named sets and maps of the table, by `@name`. */
export type Sets = ReadonlyMap<string, readonly unknown[]>;

/** They change or note something and let the packet go on. */
const bystanders: ReadonlySet<string> = new Set([
  "counter",
  "log",
  "mangle",
  "notrack",
  "ct helper",
  "ct timeout",
  "ct expectation",
  "flow",
  "set",
  "map",
  "last",
  "masquerade",
  "snat",
  "secmark",
]);
const rates: ReadonlySet<string> = new Set(["limit", "quota", "ct count", "meter"]);
const plainVerdicts = ["accept", "drop", "return", "continue", "queue"] as const;

export function statementsOf(word: string, content: unknown, sets: Sets): readonly Statement[] {
  const statement = statementOf(word, content, sets);
  const implied = word === "reject" ? rejectFor[textOf(member(content, "type")) ?? ""] : undefined;
  return implied === undefined ? [statement] : [{ kind: "test", test: implied }, statement];
}

/** How it refuses says whom: nft leaves out the test that follows from it. */
const rejectFor: Readonly<Record<string, Test>> = {
  icmp: { keys: ["meta nfproto"], isNegated: false, elements: [[{ kind: "one", value: "ipv4" }]] },
  icmpv6: { keys: ["meta nfproto"], isNegated: false, elements: [[{ kind: "one", value: "ipv6" }]] },
  "tcp reset": { keys: ["meta l4proto"], isNegated: false, elements: [[{ kind: "one", value: "tcp" }]] },
};

function statementOf(word: string, content: unknown, sets: Sets): Statement {
  const verdict = verdictOf(word, content);
  if (verdict !== undefined) return { kind: "verdict", verdict };
  if (word === "match") return matchOf(content, sets);
  if (word === "vmap") return choiceOf(content, sets);
  if (word === "dnat" || word === "redirect") return { kind: "translate", translation: translationOf(word, content) };
  if (rates.has(word) || holdsRate(word, content)) return { kind: "sometimes" };
  return bystanders.has(word) ? { kind: "nothing" } : { kind: "unknown", word };
}

/** `add @set { ip saddr limit rate ... }` */
function holdsRate(word: string, content: unknown): boolean {
  return word === "set" && listOf(member(content, "stmt")).some((one) => rates.has(only(one)?.[0] ?? ""));
}

function verdictOf(word: string, content: unknown): Verdict | undefined {
  if (word === "reject") return { kind: "drop" };
  const plain = plainVerdicts.find((one) => one === word);
  if (plain !== undefined) return { kind: plain };
  if (word !== "jump" && word !== "goto") return undefined;
  return { kind: word, chain: textOf(member(content, "target")) ?? "" };
}

function matchOf(content: unknown, sets: Sets): Statement {
  const operator = textOf(member(content, "op")) ?? "";
  const left = member(content, "left");
  const mask = maskOf(left);
  const keys = mask === undefined ? keysOf(left) : (["tcp flags"] as const);
  const isComparison = operator === "==" || operator === "in" || operator === "!=";
  if (keys === undefined || !isComparison) return { kind: "unknown", word: `match ${operator}` };
  const elements = elementsOf(member(content, "right"), keys, sets);
  const test: Test = { keys, isNegated: operator === "!=", elements, ...(mask === undefined ? {} : { mask }) };
  return { kind: "test", test };
}

/** `tcp flags & (fin|syn|rst|ack)`: nft 1.0 lists them, 1.1 joins them by "|". */
function maskOf(left: unknown): readonly string[] | undefined {
  const parts = listOf(member(left, "&"));
  if (parts.length !== 2 || keyOf(parts[0]) !== "tcp flags") return undefined;
  const flags = Array.isArray(parts[1]) ? listOf(parts[1]) : listOf(member(parts[1], "|"));
  const names = flags.length > 0 ? flags : [parts[1]];
  return names.every((one) => typeof one === "string") ? names.map(String) : undefined;
}

function keysOf(left: unknown): Keys | undefined {
  const parts = member(left, "concat");
  const [first, ...more] = (Array.isArray(parts) ? listOf(parts) : [left]).map(keyOf);
  return first === undefined ? undefined : [first, ...more.map((one) => one ?? "unknown")];
}

function keyOf(left: unknown): string | undefined {
  const [kind, content] = only(left) ?? ["", undefined];
  if (kind === "payload") {
    const field = textOf(member(content, "field"));
    return field === undefined ? "unknown" : `${textOf(member(content, "protocol")) ?? "?"} ${field}`;
  }
  if (kind === "meta") return `meta ${textOf(member(content, "key")) ?? "?"}`;
  if (kind === "ct") {
    const key = textOf(member(content, "key")) ?? "?";
    return member(content, "dir") === undefined ? `ct ${key}` : `ct ${key} of one direction`;
  }
  if (kind === "fib") {
    const flags = listOf(member(content, "flags")).map(String);
    return `fib ${flags.filter((flag) => flag === "saddr" || flag === "daddr").join(" ")} ${textOf(member(content, "result")) ?? "?"}`;
  }
  return kind === "" ? undefined : "unknown";
}

function elementsOf(right: unknown, keys: Keys, sets: Sets): readonly Element[] {
  if (typeof right === "string" && right.startsWith("@")) {
    const named = sets.get(right);
    // Nothing in it, or nothing shown: whoever fills it at run time may have put anybody there.
    if (named === undefined) return [keys.map(() => ({ kind: "unknown" }))];
    return named.map((one) => elementOf(one, keys));
  }
  const set = member(right, "set");
  if (Array.isArray(set)) return listOf(set).map((one) => elementOf(one, keys));
  if (Array.isArray(right)) return listOf(right).map((one) => elementOf(one, keys));
  return [elementOf(right, keys)];
}

function elementOf(raw: unknown, keys: Keys): Element {
  const plain = member(member(raw, "elem"), "val") ?? raw;
  const parts = member(plain, "concat");
  const values = Array.isArray(parts) ? listOf(parts).map(valueOf) : [valueOf(plain)];
  return values.length === keys.length ? values : keys.map(() => ({ kind: "unknown" }));
}

function valueOf(raw: unknown): Value {
  if (typeof raw === "string" || typeof raw === "number" || typeof raw === "boolean")
    return { kind: "one", value: raw };
  const [from, to] = listOf(member(raw, "range"));
  if (isEnd(from) && isEnd(to)) return { kind: "range", from, to };
  const prefix = member(raw, "prefix");
  const address = textOf(member(prefix, "addr"));
  const length = numberOf(member(prefix, "len"));
  if (address !== undefined && length !== undefined) return { kind: "prefix", address, length };
  return { kind: "unknown" };
}

function isEnd(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

function choiceOf(content: unknown, sets: Sets): Statement {
  const keys = keysOf(member(content, "key"));
  const data = member(content, "data");
  const listed = typeof data === "string" ? sets.get(data) : listOf(member(data, "set"));
  if (keys === undefined || listed === undefined) return { kind: "unknown", word: "vmap" };
  const entries = listed.map((one): readonly [Element, Verdict] => {
    const [key, value] = listOf(one);
    const [word, target] = only(value) ?? ["", undefined];
    return [elementOf(key, keys), verdictOf(word, target) ?? { kind: "queue" }];
  });
  return { kind: "choice", keys, entries };
}

function translationOf(word: "dnat" | "redirect", content: unknown): Translation {
  const target = isObject(content) ? content : {};
  return {
    address: textOf(target["addr"]),
    port: numberOf(target["port"]),
    toSelf: word === "redirect",
    ...(target["family"] === "ip" ? { family: 4 } : target["family"] === "ip6" ? { family: 6 } : {}),
  };
}

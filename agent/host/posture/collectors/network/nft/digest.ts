/**
 * By what a rule set is known again: everything that decides, and nothing that moves by itself. Left out: counters, handles, what
 * sets learn at run time, and the ban service's own chains, as long as those only shut out.
 */
import { createHash } from "node:crypto";
import { isObject, listOf, member, parsedJson, textOf } from "./json.ts";

/** Members that change while a rule stays the same. */
const moving: ReadonlySet<string> = new Set(["handle", "packets", "bytes", "used", "expires", "index", "metainfo"]);
const openers = /"(?:accept|dnat|redirect|snat|masquerade|goto)":/;

/** Base64url SHA-256; undefined when it is no listing of nft's. `saved`: answers of iptables-nft-save, which spell out more. */
export function rulesetDigest(listing: string, saved: readonly string[]): string | undefined {
  const objects = member(parsedJson(listing), "nftables");
  if (!Array.isArray(objects)) return undefined;
  const kept = listOf(objects).filter((object) => member(object, "metainfo") === undefined && !isOfBans(object));
  const lines = kept.map((object) => JSON.stringify(still(object)));
  // Tables come in the order in which they were made; rules within one chain stay as they are.
  const sorted = lines.filter((line) => !line.startsWith('{"rule"')).toSorted();
  const rules = lines.filter((line) => line.startsWith('{"rule"'));
  const text = JSON.stringify([sorted, byPlace(rules), saved.map(stillSaved)]);
  return createHash("sha256").update(text).digest("base64url");
}

function byPlace(rules: readonly string[]): readonly string[] {
  const place = (line: string): string =>
    /^\{"rule":\{"family":"[^"]*","table":"[^"]*","chain":"[^"]*"/.exec(line)?.[0] ?? "";
  return rules.toSorted((one, other) => (place(one) < place(other) ? -1 : place(one) > place(other) ? 1 : 0));
}

function still(value: unknown): unknown {
  if (Array.isArray(value)) return listOf(value).map(still);
  if (!isObject(value)) return value;
  const isLearnt = listOf(value["flags"]).some((flag) => flag === "dynamic" || flag === "timeout");
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !moving.has(name) && !(isLearnt && name === "elem"))
      .map(([name, one]) => [name, still(one)]),
  );
}

/** fail2ban makes its table, chains and jumps with the first ban and takes them away when it stops. */
function isOfBans(object: unknown): boolean {
  const [, content] = isObject(object) ? (Object.entries(object)[0] ?? []) : [];
  const names = ["table", "chain", "name"].map((name) => textOf(member(content, name)) ?? "");
  const isTheirs = names.some((name) => name.startsWith("f2b-"));
  if (isTheirs) return !openers.test(JSON.stringify(content));
  const rule = member(object, "rule");
  return rule !== undefined && /"jump":\{"target":"f2b-/.test(JSON.stringify(rule));
}

function stillSaved(answer: string): string {
  return answer
    .split("\n")
    .filter((line) => !line.startsWith("#") && !/^(?:-A|:)\s*f2b-|-j f2b-/.test(line))
    .map((line) => line.replace(/ ?\[\d+:\d+\]/, ""))
    .join("\n");
}

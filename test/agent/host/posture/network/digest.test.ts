import { expect, it } from "vitest";
import { rulesetDigest } from "../../../../../agent/host/posture/collectors/network/nft/digest.ts";
import { accept, drop, input, jump, listing, match, recorded } from "./rulesets.ts";

const text = recorded("ufw-debian13.json");
const saved = [recorded("ufw-debian13.save"), recorded("ufw-debian13.save6")];
const digest = rulesetDigest(text, saved);

it("a rule set is known again whatever moves in it by itself", () => {
  expect(digest).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const moved = text
    .replaceAll('"packets": 0', '"packets": 7')
    .replaceAll(/"handle": \d+/g, '"handle": 9999')
    .replace('"version": "1.1.3"', '"version": "1.1.4"');
  expect(moved).not.toBe(text);
  const counted = saved.map((one) => one.replaceAll("[0:0]", "[12:345]").replaceAll(/^# .*$/gm, "# later"));
  expect(rulesetDigest(moved, counted)).toBe(digest);
});

it.each([
  ["a rule less", text.replace(/, \{"rule": .*?\]\}\}(?=[,\]])/, ""), saved],
  ["another policy", text.replace('"policy": "drop"', '"policy": "accept"'), saved],
  ["a match that only iptables spells out", text, [saved[0]?.replace("ESTABLISHED", "NEW") ?? "", saved[1] ?? ""]],
])("%s is another", (_, changed, lines) => {
  expect(rulesetDigest(changed, lines)).not.toBe(digest);
});

it("the order of tables does not matter, the order of rules does", () => {
  const [one, two] = [input("drop", [accept], [drop]), { ...input("drop", [drop]), table: "u" }];
  expect(rulesetDigest(listing(one, two), [])).toBe(rulesetDigest(listing(two, one), []));
  expect(rulesetDigest(listing(input("drop", [drop], [accept])), [])).not.toBe(rulesetDigest(listing(one), []));
});

it("bans come and go; what opens does not, whatever it calls itself", () => {
  const rules = input("drop", [match("tcp dport", 22), accept]);
  const bans = { ...input("accept", [match("ip saddr", "192.0.2.7"), { reject: null }]), table: "f2b-table" };
  expect(rulesetDigest(listing(rules, bans), [])).toBe(rulesetDigest(listing(rules), []));
  const door = { ...input("accept", [accept]), table: "f2b-table" };
  expect(rulesetDigest(listing(rules, door), [])).not.toBe(rulesetDigest(listing(rules), []));
  const jumping = input("drop", [jump("f2b-sshd")], [match("tcp dport", 22), accept]);
  expect(rulesetDigest(listing(jumping), [])).toBe(rulesetDigest(listing(rules), []));
});

it("what a set learns is left out, what it was given is not", () => {
  const set = (flags: readonly string[], elem: readonly string[]): string =>
    JSON.stringify({ nftables: [{ set: { family: "inet", table: "t", name: "s", flags, elem } }] });
  expect(rulesetDigest(set(["dynamic"], ["192.0.2.1"]), [])).toBe(rulesetDigest(set(["dynamic"], []), []));
  expect(rulesetDigest(set([], ["192.0.2.1"]), [])).not.toBe(rulesetDigest(set([], []), []));
});

it("anything else has none", () => {
  expect(rulesetDigest("Operation not permitted", [])).toBeUndefined();
});

import { describe, expect, it } from "vitest";
import {
  accept,
  answer,
  drop,
  inbound,
  input,
  jump,
  match,
  read,
  recorded,
  ruleset,
  standing,
  told,
  type ChainOf,
} from "./rulesets.ts";
import { parseRuleset } from "../../../../../agent/host/posture/collectors/network/nft/parse.ts";
import { nothingSaved } from "../../../../../agent/host/posture/collectors/network/nft/xtables.ts";

const port = (number: unknown): object => match("tcp dport", number);
const everywhere = ["open tcp 0-65535 v4", "open udp 0-65535 v4", "open tcp 0-65535 v6", "open udp 0-65535 v6"];

describe("ufw as it is in the kernel", () => {
  const listed = ["open tcp 22 v4", "open tcp 2222 v4", "open udp 68 v4", "open tcp 22 v6", "open tcp 2222 v6"];

  it.each(["containers-debian12", "ufw-debian13"])("lets in what is listed, and named addresses apart (%s)", (name) => {
    expect(told(read(name))).toEqual(listed);
  });

  it.each(["containers-debian12", "ufw-debian13"])("is never called closed by half of what it says (%s)", (name) => {
    // Without iptables-nft-save its matches have names and no content.
    const states = inbound(read(name, "without")).openings.map(({ answer: state }) => state);
    expect(states).toContain("unknown");
    expect(answer(read(name, "without"))).toBe("unknown");
    expect(inbound(read(name, "without")).unread).toContain("xt conntrack");
  });

  it("T3: flushed underneath, it lets everybody in", () => {
    const flushed = recorded("ufw-debian13.json")
      .replaceAll('"policy": "drop"', '"policy": "accept"')
      .replaceAll(/, \{"rule": .*?\]\}\}(?=[,\]])/g, "");
    const rules = parseRuleset(flushed, nothingSaved);
    expect(rules?.chains.every((chain) => chain.rules.length === 0)).toBe(true);
    expect(rules === undefined ? [] : told(rules)).toEqual(everywhere);
  });

  it("T4: what containers forward goes around it", () => {
    const rules = read("containers-debian12");
    expect(inbound(rules).forwardings).toEqual([
      { family: 4, protocol: "tcp", from: 8080, to: 8080, target: "172.17.0.2", answer: "open", chain: "nat DOCKER" },
    ]);
    expect(answer(rules, 8080)).toBe("closed");
    expect(inbound(rules, { ...standing, forwards: { 4: false, 6: false } }).forwardings).toEqual([]);
  });
});

describe("no rules at all", () => {
  it("let everybody in", () => expect(told(ruleset())).toEqual(everywhere));
  it("and one family's rules leave the other open", () => {
    const only4: ChainOf = { family: "ip", hook: "input", policy: "drop", rules: [] };
    expect(told(ruleset(only4))).toEqual(everywhere.slice(2));
    expect(told(ruleset(input("drop")))).toEqual([]);
  });
  it("nor does an interface without an address of a family let it in", () => {
    const outside = [{ name: "eth0", ip: ["203.0.113.10"], ip6: [] }];
    expect(told(ruleset(), { ...standing, outside })).toEqual(everywhere.slice(0, 2));
  });
});

describe("several chains at one hook", () => {
  const shut: ChainOf = { name: "other", table: "u", hook: "input", priority: 10, rules: [[port(4444), drop]] };
  const open = input("accept", [port(4444), accept]);
  it("a drop in any of them is final", () => {
    expect(answer(ruleset(open, shut))).toBe("closed");
    expect(answer(ruleset({ ...shut, priority: -10 }, open))).toBe("closed");
    expect(answer(ruleset(open, shut), 4445)).toBe("open");
  });
  it("so is one before routing", () => {
    const raw: ChainOf = {
      name: "guard",
      hook: "prerouting",
      priority: -300,
      rules: [[match("meta iifname", "lo", "!="), port(18_789), drop]],
    };
    expect(answer(ruleset(raw), 18_789)).toBe("closed");
    expect(answer(ruleset(raw), 18_788)).toBe("open");
  });
  it("before the kernel knows the connection, none is new", () => {
    const early = { name: "early", hook: "prerouting", rules: [[match("ct state", "invalid", "in"), drop]] };
    expect(answer(ruleset({ ...early, priority: -300 }))).toBe("closed");
    expect(answer(ruleset({ ...early, priority: -150 }))).toBe("open");
  });
  it("an acceptance ends its own chain alone", () => {
    const first = input("drop", [port(22), accept]);
    const second: ChainOf = { name: "late", table: "u", hook: "input", policy: "drop", rules: [] };
    expect(answer(ruleset(first), 22)).toBe("open");
    expect(answer(ruleset(first, second), 22)).toBe("closed");
  });
});

describe("within a chain", () => {
  const of = (...rules: readonly (readonly unknown[])[]): string => answer(ruleset(input("drop", ...rules)));
  it.each<[string, string, readonly (readonly unknown[])[]]>([
    ["the first verdict counts", "closed", [[drop], [accept]]],
    ["a refusal is no entry", "closed", [[{ reject: null }], [accept]]],
    ["a counter and a log decide nothing", "open", [[{ counter: {} }, { log: {} }, accept]]],
    ["a refusal in the words of IPv6 is for IPv6", "open", [[{ reject: { type: "icmpv6" } }], [accept]]],
    ["a refusal in the words of IPv4 is for IPv4", "closed", [[{ reject: { type: "icmp" } }], [accept]]],
    [
      "a reset may be for IPv6 alone, and nft does not print it",
      "unknown",
      [[{ reject: { type: "tcp reset" } }], [accept]],
    ],
    ["a reset before a drop is closed either way", "closed", [[{ reject: { type: "tcp reset" } }], [drop]]],
    ["a rate lets some in", "open", [[{ limit: { rate: 3, per: "minute" } }, accept]]],
    ["a rate shuts only some out", "open", [[{ limit: { rate: 3, per: "minute" } }, drop], [accept]]],
    ["a named address lets no stranger in", "closed", [[match("ip saddr", "198.51.100.7"), accept]]],
    ["a named address shuts no stranger out", "open", [[match("ip saddr", "198.51.100.7"), drop], [accept]]],
    ["everybody but one is everybody", "open", [[match("ip saddr", "198.51.100.7", "!="), accept]]],
    [
      "half of the internet is strangers",
      "open",
      [[match("ip saddr", { prefix: { addr: "0.0.0.0", len: 1 } }), accept]],
    ],
    ["a private network is none", "closed", [[match("ip saddr", { prefix: { addr: "10.0.0.0", len: 8 } }), accept]]],
    ["a source port is whatever he likes", "open", [[match("tcp sport", 53), accept]]],
    ["loopback is not the outside", "closed", [[match("meta iifname", "lo"), accept]]],
    ["an interface by its beginning", "open", [[match("meta iifname", "eth*"), accept]]],
    ["another of this machine's addresses", "closed", [[match("ip daddr", "203.0.113.77"), accept]]],
    ["this machine's address", "open", [[match("ip daddr", "203.0.113.10"), accept]]],
    ["an answer is not a first packet", "closed", [[match("ct state", ["established", "related"], "in"), accept]]],
    ["a first packet is new", "open", [[match("ct state", "new", "in"), accept]]],
    ["a mark that nobody knows", "unknown", [[match("meta mark", 7), accept]]],
    ["a mark that nobody knows, before a drop", "closed", [[match("meta mark", 7), drop], [drop]]],
    ["a mark that nobody knows may shut out", "unknown", [[match("meta mark", 7), drop], [accept]]],
    [
      "what comes after is unsure as well",
      "unknown",
      [
        [{ frobnicate: 1 }, drop],
        [port(4444), accept],
      ],
    ],
    ["what surely lets in is sure", "open", [[{ frobnicate: 1 }, accept], [accept]]],
    ["a word that is not known and accepts", "unknown", [[{ frobnicate: 1 }, accept]]],
    ["a program that decides", "unknown", [[{ queue: { num: 0 } }]]],
    ["a set that is not listed", "unknown", [[match("tcp dport", "@gone"), accept]]],
    ["a chain that is not listed", "unknown", [[jump("gone")]]],
    ["a comparison that is not known", "unknown", [[match("tcp dport", 10, "<"), accept]]],
  ])("%s", (_, expected, rules) => expect(of(...rules)).toBe(expected));

  it("jumps come back, a goto does not", () => {
    const side: ChainOf = { name: "side", rules: [[port(1), drop], [{ return: null }], [accept]] };
    expect(answer(ruleset(input("drop", [jump("side")], [accept]), side))).toBe("open");
    expect(answer(ruleset(input("drop", [{ goto: { target: "side" } }], [accept]), side))).toBe("closed");
    expect(answer(ruleset(input("drop", [jump("side")], [accept]), side), 1)).toBe("closed");
  });

  it("a jump that nobody can foresee leaves unsure what was dropped there", () => {
    const side: ChainOf = { name: "side", rules: [[port(4444), drop]] };
    const rules = ruleset(input("accept", [match("meta mark", 7), jump("side")]), side);
    expect([answer(rules), answer(rules, 4445)]).toEqual(["unknown", "open"]);
  });

  it("chains that lead into each other end", () => {
    const round: ChainOf = { name: "round", rules: [[jump("round")]] };
    expect(answer(ruleset(input("drop", [jump("round")]), round))).toBe("unknown");
  });

  it("a map of verdicts, with one for the rest", () => {
    const key = { payload: { protocol: "tcp", field: "dport" } };
    const map = [
      [22, accept],
      ["*", drop],
    ];
    const rules = ruleset(input("accept", [{ vmap: { key, data: { set: map } } }]));
    expect([22, 4444].map((number) => answer(rules, number))).toEqual(["open", "open"]);
    const shut = ruleset(
      input("drop", [
        {
          vmap: {
            key,
            data: {
              set: [
                [22, accept],
                ["*", accept],
              ],
            },
          },
        },
      ]),
    );
    expect(answer(shut)).toBe("open");
  });
});

describe("the words of nft", () => {
  it.each(["words-debian12", "words-debian13"])("are read alike from both versions (%s)", (name) => {
    const rules = read(name, "without");
    const open = inbound(rules).openings.filter((one) => one.answer === "open" && one.family === 4);
    expect(open.map(({ protocol, from, to }) => `${protocol} ${String(from)}-${String(to)}`).join(", ")).toBe(
      "tcp 25-25, tcp 26-26, tcp 53-53, tcp 80-80, tcp 443-443, tcp 5555-5555, tcp 6000-6001, tcp 7000-7010, " +
        "tcp 7100-7100, tcp 8081-8081, tcp 30000-32767, tcp 60000-61000, udp 53-53, udp 500-500, udp 51820-51820",
    );
    expect(open.find(({ from }) => from === 80)?.comment).toBe("web");
    expect(answer(rules, 18_789)).toBe("closed");
    expect(answer(rules, 61_001)).toBe("closed");
    expect(answer(rules, 22)).toBe("unknown");
    expect(inbound(rules).unread).toEqual(["meta mark", "ct proto-dst of one direction"]);
    const ways = inbound(rules).forwardings.map((one) => [one.family, one.from, one.to, one.target, one.answer]);
    expect(ways).toEqual([
      [4, 81, 82, undefined, "open"],
      [4, 8080, 8080, "172.17.0.2", "open"],
      [4, 8443, 8443, "10.0.0.9", "open"],
    ]);
  });

  it("anything else is no listing", () => {
    for (const text of ["", "{}", "[]", '{"nftables": 1}', "Error: syntax"])
      expect(parseRuleset(text, nothingSaved)).toBeUndefined();
  });
});

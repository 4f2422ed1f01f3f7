/** What a look from outside can do to a check, and above all what it cannot: the edge may lie. On facts alone. */
import { describe, expect, it } from "vitest";
import { gatewayJudgements } from "../../../../../agent/host/posture/checks/gateway.ts";
import { networkJudgements } from "../../../../../agent/host/posture/checks/network.ts";
import { outsideFact } from "../../../../../agent/host/posture/collectors/network/outside.ts";
import { known, unknown, type Fact } from "../../../../../agent/host/posture/fact.ts";
import { readerOf, type Facts, type FactSet } from "../../../../../agent/host/posture/facts.ts";
import { judge } from "../../../../../agent/host/posture/judge.ts";
import type { Machine } from "../../../../../agent/host/posture/machine.ts";
import { LOOK_KEPT_SECONDS, type OutsideLook } from "../../../../../protocol/posture/outside.ts";
import type { Finding } from "../../../../../protocol/posture/report.ts";
import type { EvidenceLevel } from "../../../../../protocol/posture/words.ts";

const AT = 1_800_000_000;
const ADDRESS = "203.0.113.10";
const RULES = "r".repeat(42) + "A";

const seen = <T>(value: T, level: EvidenceLevel = "runtime"): Fact<T> =>
  known(value, { level, source: "test", at: AT, raw: "" });

const look = (state: OutsideLook["ports"][number]["state"], change: Partial<OutsideLook> = {}): OutsideLook => ({
  v: 1,
  at: AT,
  by: "edge",
  author: "p-ada",
  rules: RULES,
  vantage: "internet",
  address: ADDRESS,
  ports: [
    { port: 22, state: "open" },
    { port: 18_789, state },
  ],
  ...change,
});

/** A machine that lets SSH in and nothing else, by its own account. */
const facts: FactSet = {
  "gateway.found": seen<Facts["gateway.found"]>([
    {
      gateway: "g",
      user: "openclaw",
      uid: 990,
      gid: 990,
      home: "/home/openclaw",
      directory: "/home/openclaw/.openclaw",
      configurationPath: "/home/openclaw/.openclaw/openclaw.json",
      configuration: "ok",
      port: 18_789,
      pid: 77,
      isListening: true,
    },
  ]),
  "gateway.reached": seen<Facts["gateway.reached"]>([], "probed"),
  "ssh.daemon": seen<Facts["ssh.daemon"]>({
    state: "listening",
    listens: [{ address: "0.0.0.0", port: 22 }],
    options: [],
  }),
  "net.interfaces": seen<Facts["net.interfaces"]>([
    {
      name: "eth0",
      kind: "",
      isUp: true,
      isVpn: false,
      addresses: [{ address: ADDRESS, length: 24, scope: "global" }],
    },
  ]),
  "net.sockets": seen<Facts["net.sockets"]>({ listeners: [], doors: [] }),
  "fw.inbound": seen<Facts["fw.inbound"]>({
    openings: [
      {
        family: 4,
        protocol: "tcp",
        from: 22,
        to: 22,
        answer: "open",
        chain: "input",
        comment: undefined,
        reason: "SSH",
      },
    ],
    families: [4, 6],
  }),
  "fw.live": seen<Facts["fw.live"]>({ digest: RULES, approved: undefined, ufw: "off", mark: "m" }),
};

const judgements = { ...gatewayJudgements, ...networkJudgements };
type Check = keyof typeof judgements;
const CHECKS = ["gw.port.external", "net.listeners", "fw.default-deny"] as const satisfies readonly Check[];

const finding = (check: Check, outside: OutsideLook | undefined, changed: FactSet = {}): Finding =>
  judge(
    check,
    judgements[check],
    readerOf({ ...facts, ...(outside === undefined ? {} : { "net.outside": seen(outside, "probed") }), ...changed }),
  );

describe("an edge that says open while the host says closed", () => {
  it.each(CHECKS)("fails %s, with its look as evidence", (check) => {
    expect(finding(check, undefined).state).toBe("pass");
    const found = finding(check, look("open"));
    expect(found.state).toBe("fail");
    expect(found.shortfalls.join()).toContain(`${ADDRESS} port 18789 answered from outside`);
    expect(found.shortfalls.join()).not.toContain("port 22 ");
    expect(found.evidence).toHaveLength(2);
  });

  it("says nothing against a door that was named", () => {
    const doors = [{ protocol: "tcp" as const, port: 18_789, owner: "ann", reason: "a test" }];
    const named = { "net.sockets": seen<Facts["net.sockets"]>({ listeners: [], doors }) };
    expect(finding("net.listeners", look("open"), named).state).toBe("pass");
  });

  it("says nothing about ports of a router, except the gateway's", () => {
    const router = look("open", { address: "198.51.100.9" });
    expect(CHECKS.map((check) => finding(check, router).state)).toEqual(["fail", "pass", "pass"]);
  });

  it("speaks of the rules of then: with others it says nothing", () => {
    const before = look("open", { rules: "s".repeat(42) + "A" });
    expect(CHECKS.map((check) => finding(check, before).state)).toEqual(["pass", "pass", "pass"]);
  });
});

describe("an edge that says closed", () => {
  const open: FactSet = {
    "gateway.reached": seen<Facts["gateway.reached"]>(
      [{ gateway: "g", address: ADDRESS, port: 18_789, outcome: "open" }],
      "probed",
    ),
    "fw.inbound": seen<Facts["fw.inbound"]>({
      openings: [
        {
          family: 4,
          protocol: "tcp",
          from: 1,
          to: 65_535,
          answer: "open",
          chain: "no rule",
          comment: undefined,
          reason: "",
        },
      ],
      families: [4, 6],
    }),
  };

  it.each(["closed", "filtered"] as const)("(%s) passes nothing that fails by the host's own evidence", (state) => {
    for (const check of ["gw.port.external", "fw.default-deny"] as const) {
      expect(finding(check, undefined, open).state).toBe("fail");
      expect(finding(check, look(state), open).state).toBe("fail");
    }
  });

  it.each(CHECKS)("passes nothing of %s that the host could not see itself", (check) => {
    const blind = {
      "gateway.reached": unknown("not_root", "test"),
      "net.sockets": unknown("not_root", "test"),
      "fw.inbound": unknown("not_root", "test"),
    };
    expect(finding(check, look("closed"), blind)).toMatchObject({ state: "unverified", reason: "not_root" });
  });

  it("lends its strength to no weaker evidence", () => {
    // Seen by the kernel alone, where it has to be tried: that somebody else tried does not make up for it.
    const weak = { "gateway.reached": seen<Facts["gateway.reached"]>([], "runtime") };
    expect(finding("gw.port.external", look("closed"), weak)).toMatchObject({
      state: "unverified",
      reason: "evidence_too_weak",
      level: "runtime",
    });
  });
});

describe("the fact", () => {
  const setting = (text: string | undefined, now = AT) => ({
    machine: {
      now: () => now,
      read: (path: string) =>
        Promise.resolve(
          path === "/posture/outside.json" && text !== undefined ? { kind: "text", text } : { kind: "absent" },
        ),
    } as unknown as Machine,
    soFar: {},
    directory: "/posture",
  });

  it("is what the warden kept, said to be the edge's", async () => {
    const fact = await outsideFact(setting(JSON.stringify(look("filtered"))));
    expect(fact).toMatchObject({
      kind: "known",
      evidence: {
        level: "probed",
        source: `tcp ${ADDRESS}, probed from outside by the edge`,
        at: AT,
        excerpt: "22 open; 18789 filtered",
      },
    });
    const near = await outsideFact(setting(JSON.stringify(look("open", { vantage: "network" }))));
    expect(near).toMatchObject({ evidence: { source: `tcp ${ADDRESS}, probed from its own network by the edge` } });
  });

  it.each<[string, string | undefined, { readonly now: number; readonly why: string }]>([
    ["nobody looked", undefined, { now: AT, why: "not_run" }],
    ["it is torn", '{"v":1,', { now: AT, why: "not_run" }],
    ["it is another's", JSON.stringify({ ...look("open"), banner: "SSH" }), { now: AT, why: "not_run" }],
    ["it is a week old", JSON.stringify(look("open")), { now: AT + LOOK_KEPT_SECONDS + 1, why: "stale" }],
    ["it is from a clock far ahead", JSON.stringify(look("open")), { now: AT - LOOK_KEPT_SECONDS - 1, why: "stale" }],
  ])("is not there when %s", async (_what, text, { now, why }) => {
    expect(await outsideFact(setting(text, now))).toMatchObject({ kind: "unknown", why });
  });
});

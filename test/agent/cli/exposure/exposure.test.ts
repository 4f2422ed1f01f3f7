/** What `clawhold audit` says of a machine, in every form, over one made-up look. */
import { describe, expect, it } from "vitest";
import * as v from "valibot";
import type { Exposure } from "../../../../agent/cli/exposure/exposure.ts";
import { fixPlan, fixPlanLines } from "../../../../agent/cli/exposure/fix-plan.ts";
import { escaped, pageOf } from "../../../../agent/cli/exposure/html.ts";
import { sarifOf } from "../../../../agent/cli/exposure/sarif.ts";
import { steps } from "../../../../agent/cli/exposure/steps.ts";
import { terminalLines } from "../../../../agent/cli/exposure/terminal.ts";
import { checkIds, checks } from "../../../../protocol/posture.ts";
import type { Finding } from "../../../../protocol/posture/report.ts";
import { sarifSchema } from "./sarif-schema.ts";

const AT = 1_800_000_000;
const HOSTILE = "<script>alert(1)</script>\u001B[2J\u202Egpj.exe";
const failing: Finding = {
  check: "gw.auth.mode",
  rev: 1,
  state: "fail",
  level: "probed",
  shortfalls: ["gateway.auth.mode is none", `a file called ${HOSTILE}`],
  evidence: [{ level: "probed", source: "/home/a b/.openclaw/openclaw.json", at: AT, excerpt: `bind lan\n${HOSTILE}` }],
};
const unverified: Finding = {
  check: "ssh.password-auth",
  rev: 1,
  state: "unverified",
  reason: "not_root",
  shortfalls: ["sshd -T"],
  evidence: [],
};
const findings: Finding[] = checkIds.map((check) => {
  if (check === failing.check) return failing;
  if (check === unverified.check) return unverified;
  if (check === "enc.at-rest")
    return { check, rev: 1, state: "fail", shortfalls: ["/dev/vda is not encrypted"], evidence: [] };
  if (check === "gw.mdns.off")
    return {
      check,
      rev: 1,
      state: "fail",
      shortfalls: ["mdns.mode is full"],
      evidence: [],
      waiver: { check, author: "p", at: AT, until: AT + 60, reason: "a lab" },
    };
  if (check === "gw.hooks.signed")
    return { check, rev: 1, state: "not_applicable", reason: "hooks_off", shortfalls: [], evidence: [] };
  return { check, rev: 1, state: "pass", level: "probed", shortfalls: [], evidence: [] };
});
const exposure: Exposure = {
  host: {
    name: "box",
    system: "Debian GNU/Linux 13 (trixie)",
    user: "not_root",
    gateways: [{ name: "alice", port: 18_789, isRunning: true, version: "2026.9.6" }],
    milliseconds: 1_234,
    isEnrolled: false,
  },
  report: {
    v: 1,
    at: AT,
    lane: "slow",
    privileged: false,
    agentVersion: "0.1.0",
    advisories: { asOf: "2026-08-07", count: 130 },
    score: 83,
    grade: "D",
    findings,
  },
};
const plain = { hasColour: false, columns: 100 };

describe("on a terminal", () => {
  const lines = terminalLines(exposure, plain);
  const text = lines.join("\n");

  it("the grade comes first, then what fails by severity with the one thing to do, then what is not verified", () => {
    const order = [
      "Grade D, 83 of 100",
      "Failing: 2",
      "gw.auth.mode",
      steps["gw.auth.mode"].say.slice(0, 40),
      "enc.at-rest",
      "Not verified, and counted as failed: 1",
      "ssh.password-auth",
      " hold, ",
      "--fix-plan",
    ];
    const places = order.map((part) => text.indexOf(part));
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(places).not.toContain(-1);
  });
  it("says that it looked without root and how to see more", () => {
    expect(text).toContain("see more with sudo clawhold audit");
    expect(terminalLines({ ...exposure, host: { ...exposure.host, user: "root" } }, plain).join("\n")).not.toContain(
      "sudo clawhold audit\n",
    );
  });
  it("is aligned and no wider than the terminal", () => {
    for (const columns of [80, 100, 140])
      for (const line of terminalLines(exposure, { hasColour: false, columns }))
        expect(line.length).toBeLessThanOrEqual(columns);
    const columnsOf = lines.filter((line) => /^(?:critical|low) /.test(line)).map((line) => line.indexOf("  ", 12));
    expect(columnsOf.length).toBe(2);
  });
  it("has colours for a terminal alone, and nothing of a machine's moves the cursor", () => {
    expect(text).not.toContain("\u001B");
    expect(text).not.toContain("\u202E");
    expect(terminalLines(exposure, { hasColour: true, columns: 100 }).join("\n")).toContain("\u001B[31m");
  });
});

describe("a plan", () => {
  it("has the worst first, each with what to type and who does it", () => {
    expect(fixPlan(exposure).map(({ check, byClawhold }) => [check, byClawhold])).toEqual([
      ["gw.auth.mode", "downtime"],
      ["enc.at-rest", "none"],
    ]);
    const text = fixPlanLines(exposure).join("\n");
    expect(text).toContain("openclaw config set gateway.auth.mode token");
    expect(text).toContain("On an enrolled host Clawhold does this by one touch. The gateway restarts for it.");
    expect(text).toContain("By hand only.");
    expect(text).toContain("Clawhold does 1 of these 2 by itself");
  });
  it.each(checkIds)("knows a step for %s", (check) => {
    expect(steps[check].say).toMatch(/^[A-Z].*\.$/);
    expect(steps[check].lines.every((line) => line.trim() === line && line !== "")).toBe(true);
  });
});

interface Sarif {
  readonly version: string;
  readonly runs: readonly [
    {
      readonly tool: {
        readonly driver: {
          readonly rules: readonly { readonly id: string; readonly help: { readonly text: string } }[];
        };
      };
      readonly results: readonly {
        readonly ruleId: string;
        readonly ruleIndex: number;
        readonly kind: string;
        readonly level: string;
        readonly message: { readonly text: string };
        readonly suppressions?: readonly unknown[];
        readonly locations: readonly {
          readonly physicalLocation?: { readonly artifactLocation: { readonly uri: string } };
        }[];
      }[];
    },
  ];
}

describe("SARIF", () => {
  it("has what the standard requires, in its words, and nothing that it does not know", () => {
    expect(() => v.parse(sarifSchema, JSON.parse(JSON.stringify(sarifOf(exposure))))).not.toThrow();
  });
  const { version, runs } = JSON.parse(JSON.stringify(sarifOf(exposure))) as Sarif;
  const [{ tool, results }] = runs;
  const result = (check: string) => results.find(({ ruleId }) => ruleId === check);

  it("is version 2.1.0, with a rule and a result for each check that point at one another", () => {
    expect(version).toBe("2.1.0");
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(checkIds);
    expect(results).toHaveLength(checkIds.length);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    for (const { help } of tool.driver.rules) expect(help.text.length).toBeGreaterThan(20);
  });
  it("gives a level to failures alone (2.1.0, 3.27.10), and a kind to the rest", () => {
    expect(result("gw.auth.mode")).toMatchObject({ kind: "fail", level: "error" });
    expect(result("enc.at-rest")).toMatchObject({ kind: "fail", level: "note" });
    expect(result("ssh.password-auth")).toMatchObject({ kind: "review", level: "none" });
    expect(result("gw.hooks.signed")).toMatchObject({ kind: "notApplicable", level: "none" });
    expect(result("gw.bind.loopback")).toMatchObject({ kind: "pass", level: "none" });
  });
  it("names a file as a URI, and says what was waived", () => {
    expect(result("gw.mdns.off")?.suppressions).toEqual([
      { kind: "external", status: "accepted", justification: "a lab" },
    ]);
    const withPath = {
      ...failing,
      evidence: [{ level: "declared", source: "/etc/ssh/sshd_config", at: AT, excerpt: "" }],
    } as const;
    const other = sarifOf({
      ...exposure,
      report: { ...exposure.report, findings: [{ ...withPath, evidence: [...withPath.evidence] }] },
    }) as Sarif;
    expect(other.runs[0].results[0]?.locations[0]?.physicalLocation?.artifactLocation.uri).toBe(
      "file:///etc/ssh/sshd_config",
    );
    expect(v.is(sarifSchema, JSON.parse(JSON.stringify(other)))).toBe(true);
  });
});

describe("the page", () => {
  const page = pageOf(exposure);

  it("is one file without a script and without anything to fetch", () => {
    expect(page).not.toMatch(/<script|<link|<img|src=|href=|url\(|@import/i);
    expect(page).toContain("default-src 'none'");
  });
  it("escapes what comes from the machine", () => {
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).not.toContain("\u202E");
    expect(escaped(`<&>"'\u001B`)).toBe("&lt;&amp;&gt;&quot;&#39;\u00B7");
  });
  it("says state, severity and evidence in words", () => {
    for (const part of [
      "Grade D",
      "<strong>83</strong> of 100",
      "Critical",
      "not verified",
      "it was tried",
      checks["gw.auth.mode"].title,
    ])
      expect(page).toContain(part);
  });
});

/** What a page makes of a report: the order in which it is read, what changed, and files for others. */
import { describe, expect, it } from "vitest";
import { checkIds, checks } from "../../../../protocol/posture.ts";
import type { Controls } from "../../../../protocol/posture/entry.ts";
import type { Moment } from "../../../../protocol/posture/history.ts";
import { exportOf, type Exported } from "../../../../web/pages/host/posture/export.ts";
import { changesSince, lookOf, nameInAddress, sortFindings } from "../../../../web/pages/host/posture/findings.ts";
import { controlsOf, frameworkNames } from "../../../../web/pages/host/posture/frameworks.ts";
import { parseRoute } from "../../../../web/router.ts";
import { matrixOf, type MatrixQuery } from "../../../../web/state/matrix.ts";
import { host } from "../../fixtures/hosts.ts";
import { figures, report } from "../../fixtures/posture.ts";

const exported: Exported = { report, host: 'vps <1> "five"', hostId: "h-1", workspace: "w".repeat(43) };

describe("findings", () => {
  const { failing, unverified, accepted, passing, apart } = sortFindings(report);

  it("are each in one list, and the gravest failing one is first", () => {
    const all = [...failing, ...unverified, ...accepted, ...passing, ...apart].map(({ check }) => check);
    expect(all.toSorted()).toEqual(checkIds.toSorted());
    expect(failing[0]?.check).toBe("ssh.password-auth");
    expect(failing.at(-1)?.check).toBe("fw.rules.owned");
  });
  it("that are accepted fail apart, and what passes although it was accepted passes", () => {
    expect(accepted.map(({ check }) => check)).toEqual(["usr.dedicated"]);
    const mended = report.findings.map((one) => (one.waiver === undefined ? one : { ...one, state: "pass" as const }));
    const sorted = sortFindings({ ...report, findings: mended });
    expect(sorted.accepted).toEqual([]);
    expect(sorted.passing.map(({ check }) => check)).toContain("usr.dedicated");
  });
  it("have a sign for each state, and it is not the colour alone that differs", () => {
    const icons = (["pass", "fail", "unverified", "not_applicable"] as const).map(
      (state) => lookOf({ check: "ssh.password-auth", state }).icon,
    );
    expect(new Set(icons).size).toBe(4);
    expect(lookOf({ check: "patch.auto", state: "fail" }).icon).not.toBe(
      lookOf({ check: "fw.rules.owned", state: "fail" }).icon,
    );
  });
  it("have an address each", () => {
    const names = checkIds.map(nameInAddress);
    expect(new Set(names).size).toBe(checkIds.length);
    for (const of of names)
      expect(parseRoute(new URL(`http://x/hosts/h-1/posture?of=${of}`))).toEqual({
        page: "host",
        id: "h-1",
        tab: "posture",
        of,
      });
  });
});

describe("what changed since yesterday", () => {
  const moment = (at: number, score: number, changes: Moment["changes"]): Moment => ({
    at,
    score,
    grade: "C",
    changes,
  });
  const gone = { check: "ssh.crypto", from: "pass", to: "fail" } as const;
  const back = { check: "ssh.crypto", from: "fail", to: "pass" } as const;

  it("is from what it was before to what it is now, each check once", () => {
    const since = changesSince(
      [
        moment(10, 80, []),
        moment(100, 60, [gone, { check: "patch.auto", from: "fail", to: "unverified" }]),
        moment(200, 70, [{ check: "patch.auto", from: "unverified", to: "pass" }]),
      ],
      50,
    );
    expect(since).toEqual({
      score: 80,
      changes: [
        { check: "patch.auto", from: "fail", to: "pass", at: 200 },
        { ...gone, at: 100 },
      ],
    });
  });
  it("is nothing where it went to and fro, nor of what was before", () => {
    expect(changesSince([moment(100, 60, [gone]), moment(200, 80, [back])], 50).changes).toEqual([]);
    expect(changesSince([moment(10, 60, [gone])], 50)).toEqual({ score: 60, changes: [] });
  });
});

describe("a file for others", () => {
  it("as JSON is the report, and whose it is", () => {
    const { text, file } = exportOf("json", exported);
    expect(JSON.parse(text)).toMatchObject({ host: { id: "h-1", label: exported.host }, report });
    expect(file).toBe("posture-h-1-2026-11-20.json");
  });

  it("as OCSF has what class 2003 of schema 1.8.0 requires, one event a check", () => {
    const events = exportOf("ocsf", exported)
      .text.trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, never>);
    expect(events).toHaveLength(checkIds.length);
    for (const event of events) {
      expect(event).toMatchObject({
        class_uid: 2003,
        category_uid: 2,
        time: report.at * 1_000,
        metadata: { version: "1.8.0", product: { name: "Clawhold" } },
        resources: [{ uid: "h-1" }],
      });
      expect(event["type_uid"]).toBe(200_300 + Number(event["activity_id"]));
      expect([2, 3, 4, 5]).toContain(event["severity_id"]);
      const { finding_info: info, compliance } = event as { finding_info?: object; compliance?: { standards: [] } };
      expect(info).toMatchObject({ uid: expect.stringMatching(/^h-1\//), title: expect.any(String) });
      expect(compliance?.standards.length).toBeGreaterThan(0);
    }
    const of = (check: string) =>
      events.find(({ message }) => String(message).startsWith(checks[check as "patch.auto"].title));
    expect(of("patch.auto")).toMatchObject({
      status_id: 1,
      activity_id: 1,
      compliance: { status_id: 3, status: "Fail" },
    });
    expect(of("usr.dedicated")).toMatchObject({ status_id: 3 });
    expect(of("ssh.crypto")).toMatchObject({ status_id: 4, activity_id: 3, compliance: { status: "Pass" } });
    expect(of("enc.at-rest")).toMatchObject({ status_id: 1, compliance: { status: "Warning" } });
  });

  it("as a page holds no script, fetches nothing, and shows hostile text as text", () => {
    const { text } = exportOf("html", exported);
    expect(text).toContain("Posture of vps &lt;1&gt; &quot;five&quot;");
    expect(text).toContain("&lt;img src=x onerror=alert(1)&gt;");
    expect(text).not.toMatch(/<(script|img|link|iframe|object|form)/i);
    expect(text).not.toMatch(/\u202E|\u200B/);
    expect(text).toContain("default-src 'none'");
    for (const check of checkIds) expect(text).toContain(`<code>${check}</code>`);
    expect(text).not.toMatch(/compliant/i);
  });
});

describe("controls", () => {
  it("are each that the catalogue names, with the checks that name it", () => {
    for (const framework of frameworkNames) {
      const listed = controlsOf(framework).flatMap(([id, of]) => of.map((check) => `${id} ${check}`));
      const named = checkIds.flatMap((check) => {
        const controls: Controls = checks[check].controls;
        return (controls[framework] ?? []).map((id) => `${id} ${check}`);
      });
      expect(listed.toSorted()).toEqual(named.toSorted());
      expect(listed.length).toBeGreaterThan(0);
    }
  });
});

describe("hosts and checks", () => {
  const any: MatrixQuery = { failing: false, severity: undefined, area: undefined, text: "" };
  const base = host("vps-2");
  const graded = {
    ...base,
    ...(base.telemetry === undefined ? {} : { telemetry: { ...base.telemetry, posture: figures } }),
  };
  const hosts = [host("vps-1"), graded, host("vps-3", { view: { admission: "waiting" } })];

  it("show every check of every admitted host, those with most failing first", () => {
    const { checks: shown, rows } = matrixOf(hosts, any);
    expect(shown).toHaveLength(checkIds.length);
    expect(rows.map((row) => row.host.label)).toEqual(["vps-2", "vps-1"]);
    expect(rows[0]?.cells.filter((cell) => cell === "fail")).toHaveLength(figures.fail.length);
  });
  it("never show what a host does not say as passing", () => {
    expect(new Set(matrixOf(hosts, any).rows[1]?.cells)).toEqual(new Set(["unknown"]));
  });
  it("can be narrowed to what fails, to a severity, to an area, to a name", () => {
    const failing = matrixOf(hosts, { ...any, failing: true });
    expect(failing.rows).toHaveLength(1);
    expect(failing.checks.toSorted()).toEqual(figures.fail.toSorted());
    const critical = matrixOf(hosts, { ...any, severity: "critical" });
    expect(critical.checks.every((check) => checks[check].severity === "critical")).toBe(true);
    const ssh = matrixOf(hosts, { ...any, area: "ssh" });
    expect(ssh.checks.every((check) => check.startsWith("ssh."))).toBe(true);
    expect(matrixOf(hosts, { ...any, text: "VPS-1" }).rows).toHaveLength(1);
  });
});

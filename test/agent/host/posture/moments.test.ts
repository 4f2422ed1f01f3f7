import { describe, expect, it } from "vitest";
import { withMoment } from "../../../../agent/host/posture/moments.ts";
import { MAX_MOMENTS, type Moment } from "../../../../protocol/posture/history.ts";
import type { Finding, Report } from "../../../../protocol/posture/report.ts";
import type { CheckState } from "../../../../protocol/posture/words.ts";

const DAY = 86_400;
const MIDNIGHT = 1_799_971_200;

function report(at: number, states: Readonly<Record<string, CheckState>>, score = 50): Report {
  const findings = Object.entries(states).map(([check, state]) => ({
    check: check as Finding["check"],
    rev: 1,
    state,
    shortfalls: [],
    evidence: [],
  }));
  return {
    v: 1,
    at,
    lane: "fast",
    privileged: true,
    agentVersion: "0.1.0",
    advisories: { count: 0 },
    score,
    grade: "C",
    findings,
  };
}

describe("the course of a score", () => {
  const first = report(MIDNIGHT + 60, { "ssh.crypto": "pass" });
  const begun = withMoment([], { before: undefined, report: first });

  it("begins with a score and no changes", () => {
    expect(begun).toEqual([{ at: first.at, score: 50, grade: "C", changes: [] }]);
  });
  it("keeps nothing where nothing changed within the day, and the next day keeps one", () => {
    expect(withMoment(begun, { before: first, report: { ...first, at: first.at + 60 } })).toBe(begun);
    expect(withMoment(begun, { before: first, report: { ...first, at: first.at + DAY } })).toHaveLength(2);
  });
  it("names what changed, from what to what", () => {
    const now = report(first.at + 60, { "ssh.crypto": "fail", "ssh.hostkeys": "pass" }, 40);
    expect(withMoment(begun, { before: first, report: now }).at(-1)).toEqual({
      at: now.at,
      score: 40,
      grade: "C",
      changes: [{ check: "ssh.crypto", from: "pass", to: "fail" }],
    });
  });
  it("keeps a score that moved without a check, as a waiver does", () => {
    expect(
      withMoment(begun, { before: first, report: report(first.at + 60, { "ssh.crypto": "pass" }, 51) }),
    ).toHaveLength(2);
  });
  it("stays bounded, and a check that goes to and fro does not push out the days before", () => {
    const days: Moment[] = Array.from({ length: 30 }, (_, i) => ({
      at: MIDNIGHT - (30 - i) * DAY,
      score: i,
      grade: "C",
      changes: [],
    }));
    let moments: readonly Moment[] = days;
    let before = report(MIDNIGHT, { "ssh.crypto": "pass" });
    for (let i = 0; i < MAX_MOMENTS * 2; i += 1) {
      const next = report(MIDNIGHT + i * 60, { "ssh.crypto": i % 2 === 0 ? "fail" : "pass" });
      moments = withMoment(moments, { before, report: next });
      before = next;
    }
    expect(moments).toHaveLength(MAX_MOMENTS);
    expect(moments.slice(0, 30)).toEqual(days);
    expect(moments.at(-1)?.at).toBe(before.at);
  });
  it("gives up its oldest day when there are only days", () => {
    const days: Moment[] = Array.from({ length: MAX_MOMENTS }, (_, i) => ({
      at: MIDNIGHT + i * DAY,
      score: 1,
      grade: "C",
      changes: [],
    }));
    const next = withMoment(days, {
      before: undefined,
      report: report(MIDNIGHT + MAX_MOMENTS * DAY, { "ssh.crypto": "pass" }),
    });
    expect(next).toHaveLength(MAX_MOMENTS);
    expect(next[0]).toEqual(days[1]);
  });
});

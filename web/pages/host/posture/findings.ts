/** A report put in the order in which a person reads it. Pure. */
import { checks, type CheckId } from "../../../../protocol/posture.ts";
import type { Finding, Report } from "../../../../protocol/posture/report.ts";
import { checkSeverities, type CheckSeverity, type CheckState } from "../../../../protocol/posture/words.ts";
import type { Moment } from "../../../../protocol/posture/history.ts";
import type { IconName } from "../../../icons.tsx";

/** An address has no dots in what is open. */
export const nameInAddress = (check: CheckId): string => check.replaceAll(".", "-");

export interface Sorted {
  readonly failing: readonly Finding[];
  /** Could not be seen, or looking went wrong: counts as failing. */
  readonly unverified: readonly Finding[];
  readonly accepted: readonly Finding[];
  readonly passing: readonly Finding[];
  readonly apart: readonly Finding[];
}

const gravity = ({ check }: Pick<Finding, "check">): number => checkSeverities.indexOf(checks[check].severity);

/** The gravest first. What passes although it was accepted is no accepted risk. */
export function sortFindings({ findings }: Report): Sorted {
  const ordered = findings.toSorted((a, b) => gravity(a) - gravity(b));
  const isOpen = ({ state }: Finding) => state === "fail" || state === "error" || state === "unverified";
  const counted = ordered.filter(({ waiver }) => waiver === undefined);
  return {
    failing: counted.filter(({ state }) => state === "fail"),
    unverified: counted.filter((one) => isOpen(one) && one.state !== "fail"),
    accepted: ordered.filter((one) => one.waiver !== undefined && isOpen(one)),
    passing: ordered.filter(({ state }) => state === "pass"),
    apart: ordered.filter(({ state }) => state === "not_applicable"),
  };
}

export interface Look {
  readonly icon: IconName;
  readonly tone: "ok" | "warn" | "bad" | "unknown";
}

/** A shape for each state; colour repeats it. */
export function lookOf({ check, state }: { readonly check: CheckId; readonly state: CheckState }): Look {
  switch (state) {
    case "pass":
      return { icon: "ok", tone: "ok" };
    case "not_applicable":
      return { icon: "minus", tone: "unknown" };
    case "error":
    case "unverified":
      return { icon: "unknown", tone: "unknown" };
    case "fail":
      return isGrave(checks[check].severity) ? { icon: "bad", tone: "bad" } : { icon: "warn", tone: "warn" };
  }
}

export function isGrave(severity: CheckSeverity): boolean {
  return severity === "critical" || severity === "high";
}

export interface Change {
  readonly check: CheckId;
  readonly from: CheckState;
  readonly to: CheckState;
  readonly at: number;
}

export interface Since {
  readonly changes: readonly Change[];
  /** Of the last moment before that time; undefined where nothing was kept yet. */
  readonly score: number | undefined;
}

/** What is otherwise than at that time, each check once: what went to and fro is no change. */
export function changesSince(moments: readonly Moment[], since: number): Since {
  const before = moments.findLast(({ at }) => at < since);
  const held = new Map<CheckId, Change>();
  for (const { at, changes } of moments) {
    if (at < since) continue;
    for (const { check, from, to } of changes) held.set(check, { check, from: held.get(check)?.from ?? from, to, at });
  }
  const changes = [...held.values()].filter(({ from, to }) => from !== to);
  return { changes: changes.toSorted((a, b) => b.at - a.at), score: before?.score };
}

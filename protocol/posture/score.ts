/**
 * How good the findings are together: 0 to 100, and a letter. What was not verified counts as failed, so a scan that sees less
 * never scores better. A waived check is left out of the number, and still keeps the letter from A.
 */
import { checks, type CheckId } from "../posture.ts";
import type { CheckSeverity, CheckState, Grade } from "./words.ts";

export interface Scored {
  readonly check: CheckId;
  readonly state: CheckState;
  /** Any value means that somebody accepted the risk for now. */
  readonly waiver?: unknown;
}

const weights: Readonly<Record<CheckSeverity, number>> = { critical: 10, high: 5, medium: 2, low: 1 };

export interface Standing {
  readonly score: number;
  readonly grade: Grade;
}

export function standingOf(findings: readonly Scored[]): Standing {
  const applicable = findings.filter(({ state }) => state !== "not_applicable");
  const counted = applicable.filter(({ waiver }) => waiver === undefined);
  const score = shareOf(counted);
  return { score, grade: gradeOf(score, applicable) };
}

function shareOf(counted: readonly Scored[]): number {
  let reached = 0;
  let possible = 0;
  for (const { check, state } of counted) {
    const weight = weights[checks[check].severity];
    possible += weight;
    if (state === "pass") reached += weight;
  }
  // Rounded down: 100 means that nothing is missing. Nothing to look at is nothing to be proud of.
  return possible === 0 ? 0 : Math.floor((reached * 100) / possible);
}

/** The number says how much; the letter also what: one open door is not made up for by fifty closed ones. */
function gradeOf(score: number, applicable: readonly Scored[]): Grade {
  const open = (severity: CheckSeverity, state?: CheckState): number =>
    applicable.filter(
      (one) =>
        checks[one.check].severity === severity &&
        one.state !== "pass" &&
        one.waiver === undefined &&
        (state === undefined || one.state === state),
    ).length;
  const failedCritical = open("critical", "fail");
  if (failedCritical >= 2 || score < 40) return "F";
  if (failedCritical === 1 || score < 60) return "D";
  if (open("critical") > 0 || score < 75) return "C";
  const isWaived = applicable.some(({ state, waiver }) => waiver !== undefined && state !== "pass");
  if (open("high", "fail") > 0 || isWaived || score < 90) return "B";
  return "A";
}

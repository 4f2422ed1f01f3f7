/** The findings of a report in the order in which a person wants them: what is wrong, what is not known, what holds. Pure. */
import { checks } from "../../../protocol/posture.ts";
import type { Finding, Report } from "../../../protocol/posture/report.ts";
import { checkSeverities } from "../../../protocol/posture/words.ts";

export interface Sorted {
  readonly failing: readonly Finding[];
  /** Not seen well enough, or looking went wrong: counted as failed, and said apart. */
  readonly unverified: readonly Finding[];
  readonly waived: readonly Finding[];
  readonly passed: readonly Finding[];
  readonly notApplicable: readonly Finding[];
}

export function sorted({ findings }: Report): Sorted {
  const ranked = findings.toSorted((left, right) => rank(left) - rank(right));
  const isWaived = ({ waiver, state }: Finding): boolean => waiver !== undefined && state !== "pass";
  const open = ranked.filter((one) => !isWaived(one));
  return {
    failing: open.filter(({ state }) => state === "fail"),
    unverified: open.filter(({ state }) => state === "unverified" || state === "error"),
    waived: ranked.filter((one) => isWaived(one) && one.state !== "not_applicable"),
    passed: ranked.filter(({ state }) => state === "pass"),
    notApplicable: ranked.filter(({ state }) => state === "not_applicable"),
  };
}

function rank({ check }: Finding): number {
  return checkSeverities.indexOf(checks[check].severity);
}

/** What to do about it, in order: the worst first, what can be done by hand today, and what Clawhold does by itself where it looks after the host. Pure. */
import { checks, type CheckId } from "../../../protocol/posture.ts";
import type { Finding } from "../../../protocol/posture/report.ts";
import { riskWords } from "../../../protocol/posture-words.ts";
import type { CheckSeverity, FixRisk } from "../../../protocol/posture/words.ts";
import type { Exposure } from "./exposure.ts";
import { printable } from "./printable.ts";
import { sorted } from "./sorted.ts";
import { steps } from "./steps.ts";

export interface PlannedStep {
  readonly number: number;
  readonly check: CheckId;
  readonly severity: CheckSeverity;
  /** What was found, in its own sentence. */
  readonly found: string;
  readonly say: string;
  readonly lines: readonly string[];
  /** `none`: by hand alone. */
  readonly byClawhold: FixRisk;
}

/** What failed first; what is not known can only be looked at again with more rights, or after the others. */
export function fixPlan({ report }: Exposure): readonly PlannedStep[] {
  const { failing } = sorted(report);
  return failing.map((finding, at) => stepOf(finding, at + 1));
}

function stepOf({ check, shortfalls }: Finding, number: number): PlannedStep {
  const { severity, fix, title } = checks[check];
  const { say, lines } = steps[check];
  return { number, check, severity, found: shortfalls.join("; ") || title, say, lines, byClawhold: fix };
}

export function fixPlanLines(exposure: Exposure): readonly string[] {
  const plan = fixPlan(exposure);
  const { unverified } = sorted(exposure.report);
  const mendable = plan.filter(({ byClawhold }) => byClawhold !== "none").length;
  return [
    "",
    plan.length === 0
      ? "Nothing fails."
      : `What to do, the worst first: ${String(plan.length)} ${plan.length === 1 ? "step" : "steps"}.`,
    "",
    ...plan.flatMap(({ number, check, severity, found, say, lines, byClawhold }) => [
      `${String(number).padStart(2)}. ${check} (${severity})`,
      `    Found: ${printable(found)}`,
      `    Do:    ${say}`,
      ...lines.map((line) => `             ${line}`),
      `    ${byClawhold === "none" ? "By hand only." : `On an enrolled host Clawhold does this by one touch. ${riskWords[byClawhold]}`}`,
      "",
    ]),
    ...(unverified.length === 0
      ? []
      : [
          `${String(unverified.length)} more could not be verified${exposure.host.user === "root" ? "" : "; sudo clawhold audit sees more"}.`,
        ]),
    ...(plan.length === 0
      ? []
      : [`Clawhold does ${String(mendable)} of these ${String(plan.length)} by itself on an enrolled host.`]),
  ];
}

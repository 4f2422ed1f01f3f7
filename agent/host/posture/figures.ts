/** What of a report leaves the host in the open: states and ids, never evidence. */
import type { Report } from "../../../protocol/posture/report.ts";
import type { PostureFigures } from "../../../protocol/telemetry.ts";

export function figuresOf({ at, score, grade, privileged, findings }: Report): PostureFigures {
  const those = (state: Report["findings"][number]["state"]) =>
    findings.filter((one) => one.state === state).map(({ check }) => check);
  const waivers = findings.flatMap(({ waiver }) => (waiver === undefined ? [] : [waiver]));
  return {
    at,
    score,
    grade,
    privileged,
    pass: those("pass"),
    fail: those("fail"),
    notApplicable: those("not_applicable"),
    error: those("error"),
    unverified: those("unverified"),
    waived: waivers.map(({ check }) => check),
    ...(waivers.length === 0 ? {} : { waivedUntil: Math.min(...waivers.map(({ until }) => until)) }),
  };
}

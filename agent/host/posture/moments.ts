/** The score of a host over time: one moment for each change, one a day where nothing changes. Pure. */
import { MAX_CHANGES, MAX_MOMENTS, type Moment } from "../../../protocol/posture/history.ts";
import type { Report } from "../../../protocol/posture/report.ts";

const DAY_SECONDS = 86_400;
const dayOf = (at: number): number => Math.floor(at / DAY_SECONDS);

/** The same list where there is nothing new to keep. `before`: the report that this one follows. */
export function withMoment(
  moments: readonly Moment[],
  { before, report }: { readonly before: Report | undefined; readonly report: Report },
): readonly Moment[] {
  const { at, score, grade } = report;
  const last = moments.at(-1);
  const changes = changesSince(before, report).slice(0, MAX_CHANGES);
  const isSame = changes.length === 0 && last?.score === score && last.grade === grade;
  if (isSame && dayOf(last.at) === dayOf(at)) return moments;
  return bounded([...moments, { at, score, grade, changes }]);
}

function changesSince(before: Report | undefined, { findings }: Report): Moment["changes"] {
  if (before === undefined) return [];
  const was = new Map(before.findings.map(({ check, state }) => [check, state]));
  return findings.flatMap(({ check, state: to }) => {
    const from = was.get(check);
    return from === undefined || from === to ? [] : [{ check, from, to }];
  });
}

/** A check that goes to and fro must not push out last month: each day keeps its first moment longest. */
function bounded(moments: readonly Moment[]): readonly Moment[] {
  if (moments.length <= MAX_MOMENTS) return moments;
  const spare = moments.findIndex((one, i) => i > 0 && dayOf(one.at) === dayOf(moments[i - 1]?.at ?? 0));
  return moments.toSpliced(Math.max(spare, 0), 1);
}

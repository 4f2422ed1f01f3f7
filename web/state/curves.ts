/**
 * From the figures of a host over time to what is drawn and to the same figures as a table. Pure. A step in which nothing
 * was heard is a gap, never a zero.
 */
import type { HistoryPoint, HistoryRange } from "../../protocol/history.ts";
import type { Result } from "./backend.ts";

export interface HistoryAnswer {
  readonly range: HistoryRange;
  readonly step: number;
  readonly points: readonly HistoryPoint[];
  readonly now: number;
}

export interface HistoryDesk {
  read(host: string, range: HistoryRange): Promise<Result<HistoryAnswer>>;
}

export type ShareBy = "models" | "agents";
export type Measure = "tokens" | "costMicros";

export interface Series {
  readonly key: string;
  /** What it is called: a word of ours, or the short name of a thing of the gateway. */
  readonly name: { readonly kind: "word"; readonly word: string } | { readonly kind: "tag"; readonly tag: string };
  /** 1 to 5: one of the chart's colours. */
  readonly colour: number;
  /** One for each point. */
  readonly values: readonly (number | null)[];
  /** Over all of it, where adding up means something. */
  readonly total?: number;
}

/** So many are told apart by their colours; the rest is one. */
const NAMED = 4;
const REST_COLOUR = 5;

export function shareSeries(points: readonly HistoryPoint[], by: ShareBy, measure: Measure): readonly Series[] {
  const totals = new Map<string, number>();
  for (const point of points)
    for (const share of point[by]) totals.set(share.tag, (totals.get(share.tag) ?? 0) + share[measure]);
  const tags = [...totals].toSorted(([, a], [, b]) => b - a).map(([tag]) => tag);
  const named = tags.slice(0, tags.length === NAMED + 1 ? NAMED + 1 : NAMED);
  const series = named.map((tag, index): Series => {
    const values = points.map((point) =>
      point.samples === 0 ? null : (point[by].find((share) => share.tag === tag)?.[measure] ?? 0),
    );
    return { key: tag, name: { kind: "tag", tag }, colour: index + 1, values, total: totals.get(tag) ?? 0 };
  });
  const values = points.map((point, index) => {
    if (point.samples === 0) return null;
    const known = series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0);
    return Math.max(0, point[measure] - known);
  });
  const total = values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const word = series.length === 0 ? "all" : "others";
  const rest: Series = { key: "rest", name: { kind: "word", word }, colour: REST_COLOUR, values, total };
  return total > 0 || series.length === 0 ? [...series, rest] : series;
}

type CountName = "jobsOk" | "jobsFailed" | "restarts" | "tokens" | "costMicros";
type LevelName = "sessions" | "rssBytes" | "loopMs" | "loopMsWorst";

interface Named {
  readonly word: string;
  readonly colour: number;
}

export function countSeries(points: readonly HistoryPoint[], name: CountName, { word, colour }: Named): Series {
  const values = points.map((point) => (point.samples === 0 ? null : point[name]));
  const total = points.reduce((sum, point) => sum + point[name], 0);
  return { key: name, name: { kind: "word", word }, colour, values, total };
}

export function levelSeries(points: readonly HistoryPoint[], name: LevelName, { word, colour }: Named): Series {
  const values = points.map((point) => point[name] ?? null);
  return { key: name, name: { kind: "word", word }, colour, values };
}

/** Beginnings of the steps in which the gateway started anew. */
export function restartsIn(points: readonly HistoryPoint[]): readonly number[] {
  return points.filter(({ restarts }) => restarts > 0).map(({ at }) => at);
}

/** Whether there is anything to draw. */
export function hasValues(series: readonly Series[]): boolean {
  return series.some(({ values }) => values.some((value) => value !== null));
}

/** The largest of all steps and when it was; stacked series are added up. */
export function largestOf(
  points: readonly HistoryPoint[],
  series: readonly Series[],
  stacked: boolean,
): { readonly at: number; readonly value: number } | undefined {
  let largest: { at: number; value: number } | undefined;
  points.forEach(({ at }, index) => {
    const values = series.flatMap((one) => one.values[index] ?? []);
    if (values.length === 0) return;
    const value = stacked ? values.reduce((sum, one) => sum + one, 0) : Math.max(...values);
    if (largest === undefined || value > largest.value) largest = { at, value };
  });
  return largest;
}

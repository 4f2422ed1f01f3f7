import { describe, expect, it } from "vitest";
import type { HistoryPoint } from "../../../protocol/history.ts";
import { countSeries, hasValues, largestOf, levelSeries, restartsIn, shareSeries } from "../../../web/state/curves.ts";

const tag = (n: number): string => `mo-${String(n).padStart(16, "0")}`;
const point = (at: number, more: Partial<HistoryPoint> = {}): HistoryPoint => ({
  at,
  samples: 1,
  up: 1,
  restarts: 0,
  tokens: 0,
  costMicros: 0,
  jobsOk: 0,
  jobsFailed: 0,
  models: [],
  agents: [],
  ...more,
});
const share = (n: number, tokens: number) => ({ tag: tag(n), tokens, costMicros: tokens * 2 });
const gap = (at: number): HistoryPoint => point(at, { samples: 0, up: 0 });

describe("curves", () => {
  it("keep a gap where nothing was heard, and a zero where nothing was used", () => {
    const points = [point(0, { tokens: 5, models: [share(1, 5)] }), gap(60), point(120)];
    expect(shareSeries(points, "models", "tokens")).toMatchObject([{ key: tag(1), values: [5, null, 0], total: 5 }]);
    expect(countSeries(points, "jobsOk", { word: "well", colour: 1 }).values).toEqual([0, null, 0]);
    expect(levelSeries([point(0, { sessions: 2 }), gap(60)], "sessions", { word: "mean", colour: 1 }).values).toEqual([
      2,
      null,
    ]);
    expect(hasValues([levelSeries([gap(0)], "loopMs", { word: "mean", colour: 1 })])).toBe(false);
  });

  it("name the largest and add up the rest, so that the whole is what was used", () => {
    const models = Array.from({ length: 8 }, (_, n) => share(n, (n + 1) * 10));
    const points = [point(0, { tokens: 400, costMicros: 800, models })];
    for (const measure of ["tokens", "costMicros"] as const) {
      const series = shareSeries(points, "models", measure);
      expect(series.map(({ name }) => name)).toEqual([
        ...[7, 6, 5, 4].map((n) => ({ kind: "tag", tag: tag(n) })),
        { kind: "word", word: "others" },
      ]);
      const whole = series.reduce((sum, { values }) => sum + (values[0] ?? 0), 0);
      expect(whole).toBe(measure === "tokens" ? 400 : 800);
      expect(new Set(series.map(({ colour }) => colour)).size).toBe(5);
    }
  });

  it("of a gateway that names nothing show the whole", () => {
    expect(shareSeries([point(0, { tokens: 7 })], "agents", "tokens")).toMatchObject([
      { name: { word: "all" }, values: [7] },
    ]);
  });

  it("say where the most was, with what stands on each other added up", () => {
    const points = [
      point(0, { jobsOk: 3, jobsFailed: 3 }),
      gap(60),
      point(120, { jobsOk: 5, restarts: 1 }),
      point(180, { jobsFailed: 4 }),
    ];
    const series = (["jobsOk", "jobsFailed"] as const).map((name) =>
      countSeries(points, name, { word: name, colour: 1 }),
    );
    expect(largestOf(points, series, true)).toEqual({ at: 0, value: 6 });
    expect(largestOf(points, series, false)).toEqual({ at: 120, value: 5 });
    expect(largestOf([gap(0)], [], true)).toBeUndefined();
    expect(restartsIn(points)).toEqual([120]);
  });
});

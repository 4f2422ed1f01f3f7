import { describe, expect, it } from "vitest";
import { lagOf } from "../../../agent/edge/figures.ts";

const MILLISECOND = 1e6;

/** As Node's timer of 20 ms records them. */
function delays(median: number, p99: number, max: number): readonly number[] {
  const percentile = (quantile: number): number => (quantile === 50 ? median : p99) * MILLISECOND;
  return lagOf({ count: 9, percentile, max: max * MILLISECOND }).samples.map(({ value }) => value);
}

describe("the delay of the event loop", () => {
  it("is what ticks took longer than they were to take", () => {
    const [median, p99, max] = delays(20.1, 156.2, 320);
    expect(median).toBeCloseTo(0.0001, 6);
    expect(p99).toBeCloseTo(0.1362, 6);
    expect(max).toBeCloseTo(0.3, 6);
  });

  it("is nothing on an idle loop, and never less", () => {
    expect(delays(20, 20, 20)).toEqual([0, 0, 0]);
    expect(delays(19.9, 20, 20)).toEqual([0, 0, 0]);
  });

  it("is nothing while no tick was recorded", () => {
    const empty = { count: 0, percentile: () => Number.NaN, max: 9e18 };
    expect(lagOf(empty).samples.map(({ value }) => value)).toEqual([0, 0, 0]);
  });
});

import { describe, expect, it } from "vitest";
import { createRateLimit } from "../../../agent/edge/rate-limit.ts";

describe("the rate limit", () => {
  it("refuses what is over, per key, until the minute is over", () => {
    let time = 0;
    const allow = createRateLimit(2, () => new Date(time));
    expect([allow("a"), allow("a"), allow("a"), allow("b")]).toEqual([true, true, false, true]);
    time = 60_000;
    expect(allow("a")).toBe(true);
  });

  it("starts anew when the clock is set back", () => {
    let time = 100_000;
    const allow = createRateLimit(1, () => new Date(time));
    allow("a");
    time = 0;
    expect(allow("a")).toBe(true);
  });

  it("refuses newcomers when its table is full, and keeps those it knows", () => {
    const allow = createRateLimit(2, () => new Date(0));
    for (let index = 0; index < 1_000; index += 1) allow(String(index));
    expect(allow("newcomer")).toBe(false);
    expect(allow("7")).toBe(true);
  });
});

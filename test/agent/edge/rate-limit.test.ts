import { describe, expect, it } from "vitest";
import { createRateLimit } from "../../../agent/edge/rate-limit.ts";

describe("the rate limit", () => {
  it("refuses what is over, per key, until some has come back, and says when", () => {
    let time = 1_800_000_000_000;
    const count = createRateLimit("sign-in", () => new Date(time));
    for (let i = 0; i < 5; i += 1) expect(count("a").isAllowed).toBe(true);
    expect(count("a")).toEqual({
      isAllowed: false,
      headers: { "retry-after": "12", ratelimit: '"sign-in";r=0;t=12', "ratelimit-policy": '"sign-in";q=5;w=60' },
    });
    expect(count("b")).toMatchObject({ isAllowed: true, headers: { ratelimit: '"sign-in";r=4;t=12' } });
    time += 12_000;
    expect([count("a").isAllowed, count("a").isAllowed]).toEqual([true, false]);
  });

  it("starts anew when the clock is set back", () => {
    let time = 1_800_000_000_000;
    const count = createRateLimit("sign-in", () => new Date(time));
    for (let i = 0; i < 6; i += 1) count("a");
    time -= 3_600_000;
    expect(count("a").isAllowed).toBe(true);
  });

  it("refuses newcomers when its table is full, keeps those it knows, and forgets who rests", () => {
    let time = 1_800_000_000_000;
    const count = createRateLimit("join", () => new Date(time));
    for (let index = 0; index < 1_000; index += 1) count(String(index));
    expect(count("newcomer")).toEqual({ isAllowed: false, headers: { "retry-after": "60" } });
    expect(count("7").isAllowed).toBe(true);
    time += 60_000;
    expect(count("newcomer").isAllowed).toBe(true);
  });
});

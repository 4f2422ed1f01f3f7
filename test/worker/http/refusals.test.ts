/** What an isolate remembers of refusals: soon forgotten, bounded, and never more than it was told. */
import { describe, expect, it } from "vitest";
import { Refusals } from "../../../worker/http/refusals.ts";

describe("refusals", () => {
  it("are remembered until their end, and no longer than some seconds", () => {
    const refusals = new Refusals<string>();
    refusals.remember("a", { refusal: "short", until: 1_500 }, 1_000);
    refusals.remember("b", { refusal: "long", until: 90_000_000 }, 1_000);
    expect([refusals.find("a", 1_499)?.refusal, refusals.find("a", 1_500)]).toEqual(["short", undefined]);
    expect([refusals.find("b", 10_999)?.refusal, refusals.find("b", 11_000)]).toEqual(["long", undefined]);
    expect(refusals.find("c", 1_000)).toBeUndefined();
  });

  it("are forgotten when somebody changes what they rest on", () => {
    const refusals = new Refusals<string>();
    refusals.remember("a", { refusal: "one", until: 5_000 }, 1_000);
    refusals.forget();
    expect(refusals.find("a", 1_001)).toBeUndefined();
  });

  it("of many keys are not all remembered", () => {
    const refusals = new Refusals<string>();
    for (let i = 0; i < 5_000; i += 1) refusals.remember(String(i), { refusal: "one", until: 2_000 }, 1_000);
    refusals.remember("late", { refusal: "one", until: 3_000 }, 1_999);
    expect(refusals.find("late", 1_999)).toBeUndefined();
    refusals.remember("later", { refusal: "one", until: 3_000 }, 2_000);
    expect(refusals.find("later", 2_001)?.refusal).toBe("one");
  });
});

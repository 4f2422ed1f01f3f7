import { describe, expect, it } from "vitest";
import { Attempts } from "../../../worker/http/attempts.ts";

const THREE = { attempts: 3, seconds: 60 };

describe("attempts", () => {
  it("are counted for each key in its own window", () => {
    const attempts = new Attempts();
    expect([1, 2, 3, 4].map(() => attempts.take("a", THREE, 1_000))).toEqual([true, true, true, false]);
    expect(attempts.take("b", THREE, 1_000)).toBe(true);
    expect(attempts.take("a", THREE, 1_060)).toBe(true);
  });

  it("take no newcomer while a flood of keys fills the memory, and forget it afterwards", () => {
    const attempts = new Attempts();
    for (let i = 0; i < 5_000; i++) expect(attempts.take(`flood ${i}`, THREE, 1_000)).toBe(true);
    expect(attempts.take("late", THREE, 1_000)).toBe(false);
    expect(attempts.take("late", THREE, 1_060)).toBe(true);
  });
});

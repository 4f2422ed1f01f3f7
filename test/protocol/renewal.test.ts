import { describe, expect, it } from "vitest";
import { dueAt, renewAt } from "../../protocol/renewal.ts";

const DAY = 86_400;
const term = { from: 1_000, until: 1_000 + 90 * DAY };

describe("renewal", () => {
  it("is due at two thirds of a life", () => {
    expect(dueAt(term)).toBe(1_000 + 60 * DAY);
    expect(dueAt({ from: 5, until: 9 })).toBe(7);
  });

  it("is asked for within a day after that, each host at its own time", () => {
    const at = (first: string): number => renewAt(term, first + "0".repeat(56)) - dueAt(term);
    expect(at("00000000")).toBe(0);
    expect(at("80000000")).toBe(DAY / 2);
    expect(at("ffffffff")).toBe(DAY - 1);
  });
});

import { describe, expect, it } from "vitest";
import { assertionRules } from "../../protocol/refusals.ts";
import { product } from "./rules/cases.ts";
import { assertionCases } from "./rules/assertion-cases.ts";

describe("an assertion", () => {
  it.each(assertionCases.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    expect(await one.run(product)).toBe(one.expected);
  });

  it("has a case for every rule", () => {
    const reached = new Set(assertionCases.map((one) => one.expected));
    expect(assertionRules.filter((rule) => !reached.has(rule))).toEqual([]);
  });
});

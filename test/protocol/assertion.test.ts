import { describe, expect, it } from "vitest";
import { assertionRules } from "../../protocol/refusals.ts";
import { itJudges } from "./rules/describe.ts";
import { assertionCases } from "./rules/assertion-cases.ts";

describe("an assertion", () => {
  itJudges(assertionCases);

  it("has a case for every rule", () => {
    const reached = new Set(assertionCases.map((one) => one.expected));
    expect(assertionRules.filter((rule) => !reached.has(rule))).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { product } from "./rules/cases.ts";
import { parserCases } from "./rules/parser-cases.ts";

describe("parsers", () => {
  it.each(parserCases.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    expect(await one.run(product)).toBe(one.expected);
  });
});

import { describe, expect, it } from "vitest";
import { product } from "./rules/cases.ts";
import { prepareCases } from "./rules/prepare-cases.ts";

describe("a request for a challenge", () => {
  it.each(prepareCases.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    expect(await one.run(product)).toBe(one.expected);
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DOCUMENT, measuredCounts } from "./cost.ts";
import { NOTHING } from "./cost/counts.ts";
import { costDocument } from "./cost/document.ts";
import { priceOf, usageOf } from "./cost/model.ts";
import { PRICES } from "./cost/prices.ts";

describe("docs/COST.md", () => {
  it("says what the counts come to (npm run bench -- cost writes it)", () => {
    expect(readFileSync(DOCUMENT, "utf8")).toBe(costDocument(measuredCounts()));
  });

  it("rests on idle hosts of which nothing is charged", () => {
    expect(measuredCounts().units.idle).toEqual(NOTHING);
  });

  it("charges what is beyond the plan, and nothing of what is within", () => {
    const usage = usageOf({ hosts: 1, commands: 0, watchedHours: 0 }, measuredCounts().units);
    expect(Object.values(priceOf(usage)).every((price) => price === 0)).toBe(true);
    const more = { ...usage, objectRequests: PRICES.objectRequests.included + 2e6 };
    expect(priceOf(more).objectRequests).toBeCloseTo(0.3);
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { expectedVerdicts, judgeVectors, type Vectors } from "../vectors/verdicts.ts";

const vectors = JSON.parse(readFileSync(new URL("../vectors/verdicts.json", import.meta.url), "utf8")) as Vectors;

describe("recorded verdicts in Node (test/browser has workerd and Chromium)", () => {
  it("come out as recorded", async () => {
    expect(await judgeVectors(vectors)).toEqual(expectedVerdicts(vectors));
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Vectors } from "../vectors/verdicts.ts";
import { inChromium, inWorkerd } from "./runtimes.ts";
import { expectedSuite, suite } from "./suite.ts";

const vectors = JSON.parse(readFileSync(new URL("../vectors/verdicts.json", import.meta.url), "utf8")) as Vectors;
const expected = expectedSuite(vectors);

describe("one verdict in three runtimes", () => {
  it("has the suite that it should have", () => {
    expect(Object.keys(expected).length).toBeGreaterThan(700);
  });

  it("Node", async () => {
    expect(await suite(vectors)).toEqual(expected);
  });

  it("workerd", async () => {
    expect(await inWorkerd()).toEqual(expected);
  });

  it("Chromium", async () => {
    expect(await inChromium()).toEqual(expected);
  });
});

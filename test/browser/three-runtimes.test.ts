import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Vectors } from "../vectors/verdicts.ts";
import { inChromium, inWorkerd } from "./runtimes.ts";
import { expectedSuite, report } from "./suite.ts";

const vectors = JSON.parse(readFileSync(new URL("../vectors/verdicts.json", import.meta.url), "utf8")) as Vectors;
const expected = expectedSuite(vectors);

describe("one verdict in three runtimes", () => {
  it("has the suite that it should have", () => {
    expect(Object.keys(expected).length).toBeGreaterThan(1_300);
  });

  it("Node", async () => {
    expect((await report(vectors)).verdicts).toEqual(expected);
  });

  // The platforms alone would disagree with us, and with Node: our filter makes the one definition.
  it.each([
    ["workerd", inWorkerd],
    ["Chromium", inChromium],
  ])("%s, which by itself accepts more", async (_, run) => {
    const { verdicts, unfiltered } = await run();
    expect(verdicts).toEqual(expected);
    expect(unfiltered.length).toBeGreaterThan(0);
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inChromium, inWorkerd } from "./runtimes.ts";
import { expectedSuite, report, type Recorded } from "./suite.ts";

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8")) as T;
const recorded: Recorded = {
  first: read("verdicts"),
  team: read("verdicts-2"),
  outside: { rfc8032: read("rfc8032"), rfc8785: read("rfc8785") },
};
const expected = expectedSuite(recorded);

describe("one verdict in three runtimes", () => {
  it("has the suite that it should have", () => {
    expect(Object.keys(expected).length).toBeGreaterThan(1_600);
  });

  it("Node", async () => {
    expect((await report(recorded)).verdicts).toEqual(expected);
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

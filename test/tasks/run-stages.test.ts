/** What the end of a run says: the counts decide, and nothing that failed once is passed over in silence. */
import { describe, expect, it } from "vitest";
import { linesOf, summary, type Line } from "./run-stages.ts";
import type { Ran, Stage } from "./stage.ts";

const ran = (name: string, result: Partial<Ran> = {}): Line => ({
  name,
  seconds: 1,
  result: { ok: true, counts: { passed: 3, failed: 0, skipped: 0 }, ...result },
});

describe("the summary of a run", () => {
  it("adds up what passed, failed and was skipped", () => {
    const skipped: Line = { name: "browser", seconds: 0, result: { skipped: "no browser here" } };
    const { text, failed } = summary([ran("one"), skipped], 2);
    expect(failed).toBe(0);
    expect(text).toContain("\n3 passed, 0 failed, 1 skipped");
    expect(text).toContain("skipped: no browser here");
    expect(text).not.toContain("second run");
  });

  it("fails for a runner that ended badly without a failed test", () => {
    expect(summary([ran("one", { ok: false })], 1)).toMatchObject({ failed: 1 });
  });

  it("says what passed only at the second run, with why it failed first", () => {
    const forgiven = [{ test: "a host comes back", error: "409 host_offline" }];
    const { text, failed } = summary([ran("end to end", { forgiven })], 1);
    expect(failed).toBe(0);
    expect(text).toContain("ok (3), not at once");
    expect(text).toContain("Passed only at the second run\n  end to end: a host comes back\n    409 host_offline");
  });
});

describe("stages in lanes", () => {
  const green: Ran = { ok: true, counts: { passed: 1, failed: 0, skipped: 0 } };

  it("run at the same time, each lane in its order, and what failed runs once more when all are done", async () => {
    const said: string[] = [];
    let beside: () => void = () => undefined;
    const second = new Promise<void>((resolve) => (beside = resolve));
    const stage = (name: string, run: () => Promise<Ran>): Stage => ({
      name,
      run: async () => {
        said.push(`${name} begins`);
        const result = await run();
        said.push(`${name} ends`);
        return result;
      },
    });
    const again = (): Promise<Ran> => {
      said.push("one again");
      return Promise.resolve(green);
    };
    const lines = await linesOf([
      {
        lanes: [
          // Ends only because the other lane runs meanwhile.
          [stage("lane test one", () => second.then(() => ({ ...green, ok: false, again })))],
          [
            stage("lane test two", () => Promise.resolve(green)),
            stage("lane test three", () => {
              beside();
              return Promise.resolve(green);
            }),
          ],
        ],
      },
      stage("lane test four", () => Promise.resolve(green)),
    ]);
    expect(said.indexOf("lane test one begins")).toBeLessThan(said.indexOf("lane test two ends"));
    expect(said.indexOf("lane test two ends")).toBeLessThan(said.indexOf("lane test three begins"));
    expect(said.slice(-3)).toEqual(["one again", "lane test four begins", "lane test four ends"]);
    expect(lines.map(({ name }) => name)).toEqual(["one", "two", "three", "four"].map((name) => `lane test ${name}`));
    expect(lines.every(({ result }) => "ok" in result && result.ok)).toBe(true);
  });

  it("fail the run when one of them cannot even begin", async () => {
    const broken: Stage = { name: "lane test broken", run: () => Promise.reject(new Error("no such program")) };
    await expect(linesOf([{ lanes: [[broken]] }])).rejects.toThrow("no such program");
  });
});

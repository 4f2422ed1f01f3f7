/** What the end of a run says: the counts decide, and nothing that failed once is passed over in silence. */
import { beforeEach, describe, expect, it } from "vitest";
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

describe("stages that share the machine", () => {
  const green: Ran = { ok: true, counts: { passed: 1, failed: 0, skipped: 0 } };
  const said: string[] = [];
  const stage = (name: string, run: () => Promise<Ran> = () => Promise.resolve(green)): Stage => ({
    name: `together test ${name}`,
    run: async () => {
      said.push(`${name} begins`);
      const result = await run();
      said.push(`${name} ends`);
      return result;
    },
  });
  /** Ends when it is told to. */
  function held(name: string, result = green) {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    return { stage: stage(name, () => ended.then(() => result)), end };
  }
  beforeEach(() => void said.splice(0));

  it("run as many at once as there is room for, and what failed runs once more when all are done", async () => {
    const again = (): Promise<Ran> => {
      said.push("one again");
      return Promise.resolve(green);
    };
    // Ends only because another runs meanwhile.
    const one = held("one", { ...green, ok: false, again });
    const two = stage("two", () => (one.end(), Promise.resolve(green)));
    const lines = await linesOf([
      { room: 2, jobs: [{ stage: one.stage }, { stage: two }, { stage: stage("three") }] },
      stage("four"),
    ]);
    expect(said.slice(0, 3)).toEqual(["one begins", "two begins", "two ends"]);
    expect(said.slice(-3)).toEqual(["one again", "four begins", "four ends"]);
    expect(lines.map(({ name }) => name)).toEqual(
      ["one", "two", "three", "four"].map((name) => `together test ${name}`),
    );
    expect(lines.every(({ result }) => "ok" in result && result.ok)).toBe(true);
  });

  it("wait for room, and let pass what fits meanwhile", async () => {
    const long = held("long");
    const small = stage("small", () => (long.end(), Promise.resolve(green)));
    await linesOf([{ room: 2, jobs: [{ stage: long.stage }, { stage: stage("wide"), takes: 2 }, { stage: small }] }]);
    expect(said.indexOf("small ends")).toBeLessThan(said.indexOf("long ends"));
    expect(said.slice(-2)).toEqual(["wide begins", "wide ends"]);
    expect(said.indexOf("long ends")).toBeLessThan(said.indexOf("wide begins"));
  });

  it("wait for what they need, even when it failed", async () => {
    const fetched = stage("fetched", () => Promise.resolve({ ...green, ok: false }));
    const jobs = [{ stage: stage("user"), after: [fetched.name] }, { stage: fetched }];
    await linesOf([{ room: 2, jobs }]);
    expect(said).toEqual(["fetched begins", "fetched ends", "user begins", "user ends"]);
  });

  it("fail the run when one of them cannot begin, can never begin, or waits for nobody", async () => {
    const broken: Stage = { name: "together test broken", run: () => Promise.reject(new Error("no such program")) };
    await expect(linesOf([{ room: 1, jobs: [{ stage: broken }] }])).rejects.toThrow("no such program");
    await expect(linesOf([{ room: 1, jobs: [{ stage: stage("wide"), takes: 2 }] }])).rejects.toThrow("no room");
    const alone = { stage: stage("alone"), after: ["somebody"] };
    await expect(linesOf([{ room: 1, jobs: [alone] }])).rejects.toThrow("nothing to wait for");
  });
});

/** What the end of a run says: the counts decide, and nothing that failed once is passed over in silence. */
import { describe, expect, it } from "vitest";
import { summary, type Line } from "./run-stages.ts";
import type { Ran } from "./stage.ts";

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

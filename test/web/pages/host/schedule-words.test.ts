import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { jobDraft } from "../../../../protocol/operations/schedule.ts";
import { draftOf, emptyJob, scheduleWords, typedOf } from "../../../../web/pages/host/schedule-words.ts";

const job = { ...emptyJob, name: "nightly", message: "Report." };

describe("a job that somebody typed", () => {
  it.each([
    [
      { ...job, kind: "every", minutes: "0.5" },
      { kind: "every", seconds: 30 },
    ],
    [
      { ...job, kind: "cron", expression: " 0 2 * * 1 ", zone: "" },
      { kind: "cron", expression: "0 2 * * 1" },
    ],
    [
      { ...job, kind: "cron", expression: "0 2 * * *", zone: "Europe/Berlin" },
      { kind: "cron", expression: "0 2 * * *", zone: "Europe/Berlin" },
    ],
    [
      { ...job, kind: "at", at: "2026-12-01T07:00:00Z" },
      { kind: "at", at: "2026-12-01T07:00:00Z" },
    ],
  ] as const)("has the schedule of %j", (typed, schedule) => {
    const draft = draftOf(typed);
    expect(draft).toMatchObject({ schedule });
    expect(v.is(jobDraft, draft)).toBe(true);
  });

  it("gives each line of a command as one word", () => {
    const draft = draftOf({ ...job, work: "command", words: "/bin/echo\na b\n\n$(id)\n" });
    expect(draft).toMatchObject({ work: { kind: "command", argv: ["/bin/echo", "a b", "$(id)"] } });
  });

  it.each([
    [{ ...job, name: " " }, "name"],
    [{ ...job, minutes: "soon" }, "minutes"],
    [{ ...job, minutes: "" }, "minutes"],
    [{ ...job, minutes: "0" }, "minutes"],
    [{ ...job, kind: "cron", expression: "daily" }, "five parts"],
    [{ ...job, kind: "at", at: "tomorrow" }, "when it runs"],
    [{ ...job, message: "" }, "told"],
    [{ ...job, work: "command", words: "\n" }, "program"],
  ] as const)("says what is missing of %j", (typed, word) => {
    expect(draftOf(typed)).toContain(word);
  });

  it("comes back from what the host keeps", () => {
    const drafts = [
      draftOf(job),
      draftOf({ ...job, kind: "cron", expression: "0 2 * * *", zone: "UTC", agent: "main" }),
      draftOf({ ...job, kind: "at", at: "2026-12-01T07:00:00Z", work: "command", words: "a\nb", enabled: false }),
    ];
    for (const draft of drafts) {
      if (typeof draft === "string") throw new TypeError(draft);
      expect(draftOf(typedOf(draft))).toEqual(draft);
    }
  });

  it("says when it runs", () => {
    expect(scheduleWords({ kind: "every", seconds: 900 })).toBe("every 15\u202fmin");
    expect(scheduleWords({ kind: "cron", expression: "0 2 * * *", zone: "UTC" })).toBe("0 2 * * * (UTC)");
    expect(scheduleWords({ kind: "other" })).toContain("does not know");
  });
});

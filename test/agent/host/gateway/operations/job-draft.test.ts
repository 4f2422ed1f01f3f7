import { describe, expect, it } from "vitest";
import { draftOf, isAsDrafted, newJob, patchOf } from "../../../../../agent/host/gateway/operations/job-draft.ts";
import type { JobDraft } from "../../../../../protocol/operations/schedule.ts";

const message: JobDraft = {
  name: "a",
  schedule: { kind: "every", seconds: 60 },
  work: { kind: "message", agent: "main", message: "Hello" },
  enabled: true,
};
const program: JobDraft = {
  name: "b",
  schedule: { kind: "cron", expression: "0 3 * * *", zone: "Europe/Berlin" },
  work: { kind: "command", argv: ["touch", " x "] },
  enabled: false,
};
const once: JobDraft = { ...message, schedule: { kind: "at", at: "2027-01-01T00:00:00+01:00" } };

describe("a job's draft", () => {
  it.each([["a message", message] as const, ["a program", program] as const, ["once", once] as const])(
    "comes back from what is sent for it: %s",
    (_what, draft) => {
      expect(draftOf(newJob(draft))).toEqual(draft);
      expect(isAsDrafted(newJob(draft), draft)).toBe(true);
    },
  );

  it("tells the gateway to answer nobody by itself", () => {
    expect(newJob(message)).toMatchObject({ delivery: { mode: "none" }, sessionTarget: "isolated" });
    expect(patchOf(message)).not.toHaveProperty("delivery");
  });

  it.each([
    ["a heartbeat", { payload: { kind: "heartbeat" } }],
    ["a stream", { schedule: { kind: "stream", command: ["x"] } }],
    ["a program that runs when another ends", { schedule: { kind: "on-exit", command: "x" } }],
    ["a script that decides", { trigger: { script: "x" } }],
    ["half a second", { schedule: { kind: "every", everyMs: 500 } }],
    ["no name", { name: "" }],
    ["a word for on", { enabled: "true" }],
    ["an argument that is no text", { payload: { kind: "command", argv: ["a", 1] } }],
    ["a text without end", { payload: { kind: "agentTurn", message: "x".repeat(9_000) } }],
  ])("is none for %s", (_what, changes) => {
    expect(draftOf({ ...newJob(message), ...changes })).toBeUndefined();
  });

  it.each([
    ["another text", { payload: { kind: "agentTurn", message: "Hello, and rm" } }],
    ["another agent", { agentId: "other" }],
    ["a program", { payload: { kind: "command", argv: ["Hello"] } }],
    ["another pace", { schedule: { kind: "every", everyMs: 61_000 } }],
    ["off", { enabled: false }],
  ])("is not what the gateway made of it: %s", (_what, changes) => {
    expect(isAsDrafted({ ...newJob(message), ...changes }, message)).toBe(false);
  });

  it("is the same with blanks taken off, an instant in another zone, and an agent that was left open", () => {
    expect(isAsDrafted({ ...newJob(message), name: "a" }, { ...message, name: " a " })).toBe(true);
    const utc = { ...newJob(once), schedule: { kind: "at", at: "2026-12-31T23:00:00.000Z" } };
    expect(isAsDrafted(utc, once)).toBe(true);
    const open: JobDraft = { ...message, work: { kind: "message", message: "Hello" } };
    expect(isAsDrafted(newJob(message), open)).toBe(true);
    expect(isAsDrafted({ ...newJob(program), payload: { kind: "command", argv: ["touch", "x"] } }, program)).toBe(
      false,
    );
  });
});

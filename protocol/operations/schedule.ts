/**
 * Scheduled jobs. A job's text and its command are sealed; that it can run code is in the class of every operation that
 * lets one run. `subject` in what an intent expects: the digest of the job as it was shown.
 */
import * as v from "valibot";
import { one, type Operation } from "./operation.ts";

const line = (characters: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(characters));
const text = (characters: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(characters));

export const jobSchedule = v.variant("kind", [
  v.strictObject({ kind: v.literal("every"), seconds: v.pipe(v.number(), v.safeInteger(), v.minValue(1)) }),
  v.strictObject({ kind: v.literal("cron"), expression: line(120), zone: v.optional(line(64)) }),
  /** ISO 8601. */
  v.strictObject({ kind: v.literal("at"), at: line(40) }),
]);

export const jobWork = v.variant("kind", [
  /** A turn of an agent, which may use whatever tools it has. */
  v.strictObject({ kind: v.literal("message"), agent: v.optional(line(64)), message: text(8_192) }),
  /** A program, run by the gateway's user. */
  v.strictObject({ kind: v.literal("command"), argv: v.pipe(v.array(text(1_024)), v.minLength(1), v.maxLength(64)) }),
]);

export const jobDraft = v.strictObject({
  name: line(120),
  schedule: jobSchedule,
  work: jobWork,
  enabled: v.boolean(),
});
export type JobDraft = v.InferOutput<typeof jobDraft>;

export const scheduleOperations = {
  "cron.add@1": {
    class: "critical",
    permission: "agent.manage",
    args: v.strictObject({ work: v.picklist(["message", "command"]) }),
    sealed: jobDraft,
    expects: [],
  },
  "cron.edit@1": {
    class: "critical",
    permission: "agent.manage",
    args: v.strictObject({ ...one.entries, work: v.picklist(["message", "command"]) }),
    sealed: jobDraft,
    expects: ["subject"],
  },
  "cron.enable@1": {
    class: "critical",
    permission: "agent.manage",
    args: one,
    expects: ["subject"],
  },
  "cron.disable@1": {
    class: "daily",
    permission: "gateway.operate",
    args: one,
    alwaysOnePerson: true,
    expects: [],
  },
  "cron.run@1": {
    class: "critical",
    permission: "agent.manage",
    args: one,
    expects: ["subject"],
  },
  "cron.remove@1": {
    class: "critical",
    permission: "agent.manage",
    args: one,
    expects: ["subject"],
  },
} as const satisfies Record<string, Operation>;

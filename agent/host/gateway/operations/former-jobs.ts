/**
 * Scheduled jobs as they were before an operation changed or removed them, so that somebody at the machine can put them back. They are
 * content: the file is the agent's alone, and nothing of it goes to a log or a receipt.
 */
import { join } from "node:path";
import * as v from "valibot";
import { jobDraft } from "../../../../protocol/operations/schedule.ts";
import { readKept, writeKept } from "../kept-file.ts";

/** A hundred edits reach back further than anybody remembers; a draft is at most 75 KB. */
const MAX_FORMER_JOBS = 100;
const MAX_FILE_BYTES = 16_777_216;

const formerJob = v.strictObject({
  tag: v.string(),
  /** Seconds. */
  at: v.number(),
  author: v.string(),
  intent: v.string(),
  operation: v.picklist(["cron.edit@1", "cron.remove@1"]),
  draft: jobDraft,
});
export type FormerJob = v.InferOutput<typeof formerJob>;

const file = v.strictObject({ v: v.literal(1), jobs: v.array(formerJob) });

const pathIn = (directory: string): string => join(directory, "former-jobs.json");

/** Newest first. */
export function formerJobs(directory: string): readonly FormerJob[] {
  const kept = readKept(pathIn(directory), file, MAX_FILE_BYTES);
  return kept?.jobs ?? [];
}

export function keepFormerJob(directory: string, job: FormerJob): void {
  const jobs = [job, ...formerJobs(directory)].slice(0, MAX_FORMER_JOBS);
  writeKept(pathIn(directory), { v: 1, jobs });
}

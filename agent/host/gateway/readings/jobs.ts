/** Scheduled jobs. The list says when and how they ran, and never what they say or run. */
import * as v from "valibot";
import { jobSchedule } from "../../../../protocol/operations/schedule.ts";
import type { ReadArgs, ReadResult } from "../../../../protocol/reads.ts";
import { stringOf } from "../operations/acting.ts";
import { draftOf } from "../operations/job-draft.ts";
import { allJobs, jobNamed, type Thing } from "../operations/things.ts";
import { ReadingError } from "../reading-error.ts";
import { field } from "../wire.ts";
import type { Asking } from "./asking.ts";
import { count, milliseconds, name, present, seconds, text } from "./shown.ts";

type Job = ReadResult<"gateway.jobs@1">["jobs"][number];
type Run = ReadResult<"gateway.job-runs@1">["runs"][number];

const MAX_JOBS = 200;
const MAX_RUNS = 100;

const works: Readonly<Record<string, Job["work"]>> = { agentTurn: "message", command: "command" };

export async function readJobs({ acting, ask, now }: Asking): Promise<ReadResult<"gateway.jobs@1">> {
  const [jobs, scheduler] = await Promise.all([allJobs(acting), ask("cron.status")]);
  return {
    at: now,
    running: field(scheduler, "enabled") === true,
    jobs: jobs.slice(0, MAX_JOBS).map(jobOf),
    more: jobs.length > MAX_JOBS,
  };
}

export function jobOf({ tag, subject, row }: Thing): Job {
  const state = field(row, "state");
  const kind = field(field(row, "payload"), "kind");
  return {
    tag,
    subject,
    name: name(field(row, "name")) ?? "",
    enabled: field(row, "enabled") === true,
    schedule: scheduleOf(field(row, "schedule")),
    work: typeof kind === "string" && Object.hasOwn(works, kind) ? (works[kind] ?? "other") : "other",
    ...present({
      agent: name(field(row, "agentId")) ?? name(field(row, "effectiveAgentId")),
      nextAt: seconds(field(state, "nextRunAtMs")),
      lastAt: seconds(field(state, "lastRunAtMs")),
      lastStatus: text(field(state, "lastRunStatus"), 32),
      lastMilliseconds: milliseconds(field(state, "lastDurationMs")),
      failuresInARow: count(field(state, "consecutiveErrors")),
    }),
  };
}

/** One that we have no words for, or that says something impossible, is another. */
function scheduleOf(schedule: unknown): Job["schedule"] {
  const kind = field(schedule, "kind");
  const every = field(schedule, "everyMs");
  const zone = field(schedule, "tz");
  const shown =
    kind === "every"
      ? { kind, seconds: typeof every === "number" ? every / 1_000 : undefined }
      : kind === "cron"
        ? { kind, expression: field(schedule, "expr"), ...(zone === undefined ? {} : { zone }) }
        : { kind, at: field(schedule, "at") };
  const read = v.safeParse(jobSchedule, shown);
  return read.success ? read.output : { kind: "other" };
}

export async function readJobRuns(
  { acting, ask, now }: Asking,
  args: ReadArgs<"gateway.job-runs@1">,
): Promise<ReadResult<"gateway.job-runs@1">> {
  const job = await theJob(acting, args);
  const entries = field(await ask("cron.runs", { scope: "job", id: job.id, limit: MAX_RUNS }), "entries");
  if (!Array.isArray(entries)) throw new ReadingError("gateway");
  return { at: now, runs: entries.slice(0, MAX_RUNS).flatMap((entry: unknown) => runOf(entry) ?? []) };
}

function runOf(entry: unknown): Run | undefined {
  const at = seconds(field(entry, "runAtMs")) ?? seconds(field(entry, "ts"));
  const status = text(field(entry, "status"), 32);
  if (at === undefined || status === undefined) return undefined;
  const usage = field(entry, "usage");
  return {
    at,
    status,
    ...present({
      milliseconds: milliseconds(field(entry, "durationMs")),
      tokens: count(field(usage, "totalTokens")) ?? count(field(usage, "total_tokens")),
    }),
  };
}

/** What it says or runs, where a draft can say all of it. */
export async function readJob(
  { acting, now }: Asking,
  args: ReadArgs<"content.job@1">,
): Promise<ReadResult<"content.job@1">> {
  const job = await theJob(acting, args);
  return { at: now, subject: job.subject, ...present({ job: draftOf(job.row) }) };
}

async function theJob(acting: Asking["acting"], args: { readonly job: string }): Promise<Thing> {
  const job = await jobNamed(acting, stringOf(args, "job"));
  if (job === undefined) throw new ReadingError("not_found");
  return job;
}

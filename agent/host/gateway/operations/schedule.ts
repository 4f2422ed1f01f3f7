/**
 * Scheduled jobs. Whether a job is so now is always read from the gateway's own list; a job's words stay on this machine,
 * where the job before an edit or a removal is kept for whoever wants it back.
 */
import { jobDraft, type JobDraft } from "../../../../protocol/operations/schedule.ts";
import * as v from "valibot";
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { field } from "../wire.ts";
import { act, mustBeAsShown, Refusal, stringOf, type Acting } from "./acting.ts";
import { keepFormerJob } from "./former-jobs.ts";
import { executed, failed, type GatewayImplementation, type GatewayTools } from "./implementation.ts";
import { draftOf, isAsDrafted, newJob, patchOf } from "./job-draft.ts";
import { mustKnowVersion } from "./known.ts";
import { allJobs, jobNamed, subjectOf, type Thing } from "./things.ts";

/** The page's draft; the edge saw only what kind of work it is, and that is checked here. */
function draftIn({ args, content }: GatewayOrder): JobDraft {
  const draft = v.parse(jobDraft, content);
  if (draft.work.kind !== args["work"]) throw new Refusal("work_differs");
  return draft;
}

async function presentJob(acting: Acting, order: GatewayOrder): Promise<Thing> {
  const job = await jobNamed(acting, stringOf(order.args, "subject"));
  if (job === undefined) throw new Refusal("gone");
  return job;
}

async function shownJob(acting: Acting, order: GatewayOrder): Promise<Thing> {
  const job = await presentJob(acting, order);
  mustBeAsShown(order, job.subject);
  return job;
}

function add(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    const draft = draftIn(order);
    mustKnowVersion(acting);
    const before = new Set((await allJobs(acting)).map(({ id }) => id));
    await acting.tell("cron.add", newJob(draft));
    let made: Thing | undefined;
    const isThere = await acting.becomes(async () => {
      // A job that appeared meanwhile and says exactly this is this one, for all that anybody could tell.
      made = (await allJobs(acting)).find(({ id, row }) => !before.has(id) && isAsDrafted(row, draft));
      return made !== undefined;
    });
    return isThere && made !== undefined ? executed({ made: made.tag, changed: 1 }) : failed("not_seen");
  });
}

function edit(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    const draft = draftIn(order);
    mustKnowVersion(acting);
    const job = await shownJob(acting, order);
    const former = draftOf(job.row);
    if (former === undefined) return failed("not_editable");
    keep(order, { tools, job, former });
    await acting.tell("cron.update", { id: job.id, patch: patchOf(draft) });
    const isSo = await acting.becomes(async () => {
      const now = await jobNamed(acting, job.tag);
      return now !== undefined && isAsDrafted(now.row, draft);
    });
    return isSo ? executed({ changed: 1 }) : failed("not_seen");
  });
}

function keep(
  order: GatewayOrder,
  { tools, job, former }: { readonly tools: GatewayTools; readonly job: Thing; readonly former: JobDraft },
): void {
  const operation = order.operation === "cron.remove@1" ? "cron.remove@1" : "cron.edit@1";
  const { author, intent } = order;
  keepFormerJob(tools.directory, { tag: job.tag, at: tools.now(), author, intent, operation, draft: former });
}

function switchTo(enabled: boolean): GatewayImplementation["perform"] {
  return (order, tools) =>
    act(tools, ["operator.admin"], async (acting) => {
      if (enabled) mustKnowVersion(acting);
      const job = await shownJob(acting, order);
      if (field(job.row, "enabled") === enabled) return executed({ changed: 0 });
      await acting.tell("cron.update", { id: job.id, patch: { enabled } });
      const isSo = await acting.becomes(async () => {
        const now = await jobNamed(acting, job.tag);
        // A job that is gone does not run any more either.
        return now === undefined ? !enabled : field(now.row, "enabled") === enabled;
      });
      return isSo ? executed({ changed: 1 }) : failed("not_seen");
    });
}

function run(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    mustKnowVersion(acting);
    const job = await shownJob(acting, order);
    const before = lastRun(job.row);
    const answer = await acting.tell("cron.run", { id: job.id, mode: "force" });
    if (answer !== undefined && field(answer, "enqueued") !== true) return failed("not_started");
    const hasRun = await acting.becomes(async () => {
      const now = await jobNamed(acting, job.tag);
      // A job that takes itself out after its run is gone once it ran.
      if (now === undefined) return true;
      const state = field(now.row, "state");
      return typeof field(state, "runningAtMs") === "number" || lastRun(now.row) > before;
    });
    return hasRun ? executed({ changed: 1 }) : failed("not_seen");
  });
}

function lastRun(row: unknown): number {
  const at = field(field(row, "state"), "lastRunAtMs");
  return typeof at === "number" ? at : 0;
}

function remove(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    mustKnowVersion(acting);
    const job = await shownJob(acting, order);
    const former = draftOf(job.row);
    // A job that no draft can say is removed all the same, and cannot be offered again.
    if (former !== undefined) keep(order, { tools, job, former });
    await acting.tell("cron.remove", { id: job.id });
    const isGone = await acting.becomes(async () => (await jobNamed(acting, job.tag)) === undefined);
    return isGone ? executed({ changed: 1 }) : failed("not_seen");
  });
}

const subject = subjectOf(["operator.read"], (acting, args) => jobNamed(acting, stringOf(args, "subject")));

export const scheduleRows = {
  "cron.add@1": { perform: add },
  "cron.edit@1": { subject, perform: edit },
  "cron.enable@1": { subject, perform: switchTo(true) },
  "cron.disable@1": { perform: switchTo(false) },
  "cron.run@1": { subject, perform: run },
  "cron.remove@1": { subject, perform: remove },
} as const satisfies Record<string, GatewayImplementation>;

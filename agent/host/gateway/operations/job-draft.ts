/**
 * A scheduled job as people write it down, and as the gateway takes it. Pure. A job of the gateway that says more than a
 * draft can (a heartbeat, a stream, a trigger) has no draft: it is never squeezed into one.
 */
import * as v from "valibot";
import { jobDraft, type JobDraft } from "../../../../protocol/operations/schedule.ts";
import { field } from "../wire.ts";

/** What an edit changes of a job. What it does not name (delivery, tools) stays as it is in the gateway. */
export interface JobPatch {
  readonly name: string;
  readonly enabled: boolean;
  readonly schedule: object;
  readonly payload: object;
  readonly agentId?: string;
  readonly sessionTarget?: "isolated";
}

/** A new job answers nobody by itself: where its words would go is for a person to decide in the gateway. */
export function newJob(draft: JobDraft): object {
  return { ...patchOf(draft), sessionTarget: "isolated", wakeMode: "now", delivery: { mode: "none" } };
}

export function patchOf(draft: JobDraft): JobPatch {
  const { work } = draft;
  return {
    name: draft.name,
    enabled: draft.enabled,
    schedule: scheduleOf(draft),
    payload:
      work.kind === "command" ? { kind: "command", argv: work.argv } : { kind: "agentTurn", message: work.message },
    ...(work.kind === "message" && work.agent !== undefined ? { agentId: work.agent } : {}),
  };
}

function scheduleOf({ schedule }: JobDraft): object {
  if (schedule.kind === "every") return { kind: "every", everyMs: schedule.seconds * 1_000 };
  if (schedule.kind === "at") return { kind: "at", at: schedule.at };
  return {
    kind: "cron",
    expr: schedule.expression,
    ...(schedule.zone === undefined ? {} : { tz: schedule.zone }),
  };
}

/** The gateway's job as a draft; undefined where a draft would not say all that matters. */
export function draftOf(row: unknown): JobDraft | undefined {
  const draft = {
    name: field(row, "name"),
    enabled: field(row, "enabled"),
    schedule: draftSchedule(field(row, "schedule")),
    work: draftWork(row),
  };
  if (field(row, "trigger") !== undefined) return undefined;
  return v.is(jobDraft, draft) ? draft : undefined;
}

function draftSchedule(schedule: unknown): object | undefined {
  const kind = field(schedule, "kind");
  if (kind === "every") {
    const milliseconds = field(schedule, "everyMs");
    return typeof milliseconds === "number" ? { kind, seconds: milliseconds / 1_000 } : undefined;
  }
  if (kind === "at") return { kind, at: field(schedule, "at") };
  const zone = field(schedule, "tz");
  return kind === "cron"
    ? { kind, expression: field(schedule, "expr"), ...(zone === undefined ? {} : { zone }) }
    : undefined;
}

function draftWork(row: unknown): object | undefined {
  const payload = field(row, "payload");
  const kind = field(payload, "kind");
  if (kind === "command") return { kind, argv: field(payload, "argv") };
  if (kind !== "agentTurn") return undefined;
  const agent = field(row, "agentId");
  return {
    kind: "message",
    ...(typeof agent === "string" ? { agent } : {}),
    message: field(payload, "message"),
  };
}

/** Whether the gateway's job is now what the draft says. An agent that the draft leaves open may be any. */
export function isAsDrafted(row: unknown, draft: JobDraft): boolean {
  const now = draftOf(row);
  if (now === undefined) return false;
  return JSON.stringify(ordered(now, draft)) === JSON.stringify(ordered(draft, draft));
}

function ordered({ name, enabled, schedule, work }: JobDraft, wanted: JobDraft): unknown[] {
  const { work: wantedWork } = wanted;
  const isAgentOpen = wantedWork.kind === "message" && wantedWork.agent === undefined;
  // The gateway takes off the blanks around texts, and writes an instant in its own way.
  return [
    name.trim(),
    enabled,
    schedule.kind,
    schedule.kind === "every" ? schedule.seconds : "",
    schedule.kind === "cron" ? [schedule.expression.trim(), schedule.zone ?? ""] : "",
    schedule.kind === "at" ? Date.parse(schedule.at) : "",
    work.kind === "command" ? work.argv : [work.message.trim(), isAgentOpen ? "" : (work.agent ?? "")],
  ];
}

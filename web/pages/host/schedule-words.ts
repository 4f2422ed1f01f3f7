/** When a job runs, in words; and what somebody typed as a schedule. Pure. */
import type { JobDraft } from "../../../protocol/operations/schedule.ts";
import { formatSpan } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";

export type Schedule = ReadResult<"gateway.jobs@1">["jobs"][number]["schedule"];

/** Expressions and zones are the gateway's text: whoever shows this shows it as such. */
export function scheduleWords(schedule: Schedule): string {
  switch (schedule.kind) {
    case "every":
      return `every ${formatSpan(schedule.seconds)}`;
    case "cron":
      return schedule.zone === undefined ? schedule.expression : `${schedule.expression} (${schedule.zone})`;
    case "at":
      return `once, ${schedule.at}`;
    case "other":
      return "in a way that Clawhold does not know";
  }
}

export const scheduleKinds = ["every", "cron", "at"] as const;
export type ScheduleKind = (typeof scheduleKinds)[number];

export interface TypedJob {
  readonly name: string;
  readonly kind: ScheduleKind;
  readonly minutes: string;
  readonly expression: string;
  readonly zone: string;
  readonly at: string;
  readonly work: "message" | "command";
  readonly agent: string;
  readonly message: string;
  /** One word a line: no shell takes them apart. */
  readonly words: string;
  readonly enabled: boolean;
}

export const emptyJob: TypedJob = {
  name: "",
  kind: "every",
  minutes: "60",
  expression: "0 7 * * *",
  zone: "",
  at: "",
  work: "message",
  agent: "",
  message: "",
  words: "",
  enabled: true,
};

export function typedOf({ name, schedule, work, enabled }: JobDraft): TypedJob {
  return {
    ...emptyJob,
    name,
    enabled,
    kind: schedule.kind,
    ...(schedule.kind === "every" ? { minutes: String(schedule.seconds / 60) } : {}),
    ...(schedule.kind === "cron" ? { expression: schedule.expression, zone: schedule.zone ?? "" } : {}),
    ...(schedule.kind === "at" ? { at: schedule.at } : {}),
    work: work.kind,
    ...(work.kind === "message" ? { message: work.message, agent: work.agent ?? "" } : { words: work.argv.join("\n") }),
  };
}

/** The job, or one sentence of what is missing. */
export function draftOf(typed: TypedJob): JobDraft | string {
  const name = typed.name.trim();
  if (name === "") return "Give the job a name.";
  const schedule = scheduleOf(typed);
  if (typeof schedule === "string") return schedule;
  const work = workOf(typed);
  return typeof work === "string" ? work : { name, schedule, work, enabled: typed.enabled };
}

function scheduleOf({ kind, minutes, expression, zone, at }: TypedJob): JobDraft["schedule"] | string {
  switch (kind) {
    case "every": {
      const seconds = Math.round(Number(minutes) * 60);
      if (minutes.trim() === "" || !Number.isSafeInteger(seconds) || seconds < 1)
        return "Say after how many minutes it runs again.";
      return { kind, seconds };
    }
    case "cron": {
      const text = expression.trim();
      if (!/^\S+(\s+\S+){4,5}$/.test(text)) return "A cron expression has five parts, such as 0 7 * * 1-5.";
      return { kind, expression: text, ...(zone.trim() === "" ? {} : { zone: zone.trim() }) };
    }
    case "at": {
      const moment = Date.parse(at);
      if (Number.isNaN(moment)) return "Say when it runs, such as 2026-12-01T07:00:00Z.";
      return { kind, at: at.trim() };
    }
  }
}

function workOf({ work, agent, message, words }: TypedJob): JobDraft["work"] | string {
  if (work === "message") {
    if (message.trim() === "") return "Write what the agent is told.";
    return { kind: "message", message, ...(agent.trim() === "" ? {} : { agent: agent.trim() }) };
  }
  const argv = words.split("\n").filter((word) => word !== "");
  return argv.length === 0
    ? "Write the program, and each of its arguments on a line of its own."
    : { kind: "command", argv };
}

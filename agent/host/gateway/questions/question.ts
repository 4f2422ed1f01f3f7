/**
 * One question of a gateway before it runs a command, read from a hostile peer: whole or not at all. A command that does
 * not fit is no question that a person could answer, so it is left to run out, or denied.
 */
import * as v from "valibot";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import type { ReadResult } from "../../../../protocol/reads.ts";
import { digestOf } from "../../../../protocol/signing.ts";
import { MAX_PARTED_CHARACTERS } from "./footprint.ts";

export type ShownQuestion = NonNullable<ReadResult<"gateway.questions@1">["question"]>;
export type Decision = "allow-once" | "allow-always" | "deny";

/** Longer than any command a person reads. */
const MAX_COMMAND_CHARACTERS = 65_536;
/** A lone half of a pair is no text that could be shown, or signed over. */
const text = (characters: number) =>
  v.pipe(
    v.string(),
    v.maxLength(characters),
    v.check((value) => value.isWellFormed(), "well formed"),
  );
const maybe = (characters: number) => v.nullish(text(characters));
const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(253_402_300_799_999));

/** What we use of a row of `exec.approval.list`; the rest is not looked at. */
const rowSchema = v.object({
  id: v.pipe(text(200), v.minLength(1)),
  createdAtMs: milliseconds,
  expiresAtMs: v.nullish(milliseconds),
  request: v.object({
    command: v.pipe(text(MAX_COMMAND_CHARACTERS), v.minLength(1)),
    commandArgv: v.nullish(v.pipe(v.array(text(MAX_COMMAND_CHARACTERS)), v.maxLength(256))),
    cwd: maybe(4_096),
    agentId: maybe(200),
    sessionKey: maybe(200),
    resolvedPath: maybe(4_096),
    warningText: maybe(1_000),
    /** Another machine's question cannot be looked into from here, and what is not shown cannot be decided over. */
    host: v.nullish(v.literal("gateway")),
    nodeId: v.nullish(v.never()),
    envKeys: v.nullish(v.pipe(v.array(v.unknown()), v.maxLength(0))),
    env: v.nullish(v.strictObject({})),
    allowedDecisions: v.nullish(v.pipe(v.array(text(32)), v.maxLength(8))),
  }),
});

export interface Question {
  /** The gateway's own name of it. */
  readonly id: string;
  readonly command: string;
  readonly argv: readonly string[] | undefined;
  readonly cwd: string | undefined;
  readonly agent: string | undefined;
  readonly session: string | undefined;
  readonly resolvedPath: string | undefined;
  readonly warning: string | undefined;
  readonly may: readonly Decision[];
  /** Seconds. */
  readonly askedAt: number;
  readonly expiresAt: number | undefined;
}

const decisions: readonly Decision[] = ["allow-once", "allow-always", "deny"];

/** The rows that can be read; `unreadable`: how many cannot. */
export function readQuestions(payload: unknown): {
  readonly questions: readonly Question[];
  readonly unreadable: readonly string[];
} {
  const rows: readonly unknown[] = Array.isArray(payload) ? payload : [];
  const questions: Question[] = [];
  const unreadable: string[] = [];
  for (const row of rows) {
    const read = v.safeParse(rowSchema, row);
    if (read.success) questions.push(questionOf(read.output));
    else if (v.is(v.object({ id: v.pipe(text(200), v.minLength(1)) }), row)) unreadable.push(row.id);
  }
  return { questions: questions.toSorted((a, b) => a.askedAt - b.askedAt || (a.id < b.id ? -1 : 1)), unreadable };
}

function offered(command: string): readonly Decision[] {
  return command.length > MAX_PARTED_CHARACTERS ? ["deny"] : decisions;
}

function questionOf({ id, createdAtMs, expiresAtMs, request }: v.InferOutput<typeof rowSchema>): Question {
  const allowed = request.allowedDecisions;
  return {
    id,
    command: request.command,
    argv: request.commandArgv ?? undefined,
    cwd: request.cwd ?? undefined,
    agent: request.agentId ?? undefined,
    session: request.sessionKey ?? undefined,
    resolvedPath: request.resolvedPath ?? undefined,
    warning: request.warningText ?? undefined,
    may: offered(request.command).filter((one) => allowed === undefined || allowed === null || allowed.includes(one)),
    askedAt: Math.floor(createdAtMs / 1_000),
    expiresAt: expiresAtMs === undefined || expiresAtMs === null ? undefined : Math.floor(expiresAtMs / 1_000),
  };
}

/** As a person is shown it, with the digest of exactly that and of what it stands on. */
export function shown(question: Question, tag: string, footprint: string): ShownQuestion {
  const { command, argv, cwd, agent, session, resolvedPath, warning, may, askedAt, expiresAt } = question;
  const item = {
    tag,
    command,
    ...(argv === undefined ? {} : { argv: [...argv] }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(agent === undefined ? {} : { agent }),
    ...(session === undefined ? {} : { session }),
    ...(resolvedPath === undefined ? {} : { resolvedPath }),
    ...(warning === undefined ? {} : { warning }),
    may: [...may],
    askedAt,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  return { ...item, subject: digestOf("subject", encodeCanonical({ ...item, footprint })) };
}

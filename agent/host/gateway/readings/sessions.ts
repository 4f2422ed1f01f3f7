/** Sessions and what was said in them. The list holds no title and no message: those are asked for apart, with a grant. */
import type { ReadArgs, ReadResult } from "../../../../protocol/reads.ts";
import { rowsOf, stringOf } from "../operations/acting.ts";
import { sessionNamed } from "../operations/things.ts";
import { ReadingError } from "../reading-error.ts";
import { field } from "../wire.ts";
import type { Asking } from "./asking.ts";
import { secretsOf } from "./configuration.ts";
import { redact } from "./redaction.ts";
import { count, micros, name, present, seconds, text } from "./shown.ts";

type Session = ReadResult<"gateway.sessions@1">["sessions"][number];
type Entry = ReadResult<"content.transcript@1">["entries"][number];

const MAX_SESSIONS = 500;
const PAGE = 200;
const MAX_ENTRIES = 200;
/** All entries together; one reading carries 290 KB. */
const MAX_TRANSCRIPT_CHARACTERS = 120_000;
const MAX_ENTRY_CHARACTERS = 16_384;
/** Of one message; what lies behind is not looked through, and not shown. */
const MAX_RAW_CHARACTERS = 65_536;

const statuses: Readonly<Record<string, Session["status"]>> = {
  running: "running",
  done: "done",
  failed: "failed",
  killed: "failed",
  timeout: "failed",
  interrupted: "failed",
};

export async function readSessionList({ acting, now }: Asking): Promise<ReadResult<"gateway.sessions@1">> {
  const rows = await rowsOf(acting, { method: "sessions.list", parameters: { limit: PAGE }, key: "sessions" });
  const sessions = rows.flatMap((row) => {
    const key = field(row, "key");
    return typeof key === "string" && key !== "" ? [sessionOf(row, { key, tag: acting.tags.tag("session", key) })] : [];
  });
  return { at: now, sessions: sessions.slice(0, MAX_SESSIONS), more: sessions.length > MAX_SESSIONS };
}

function sessionOf(row: unknown, { key, tag }: { readonly key: string; readonly tag: string }): Session {
  return {
    tag,
    key: key.slice(0, 200),
    agent: name(field(row, "agentId")) ?? "",
    kind: text(field(row, "kind"), 32) ?? "",
    status: statusOf(row),
    inputTokens: count(field(row, "inputTokens")) ?? 0,
    outputTokens: count(field(row, "outputTokens")) ?? 0,
    totalTokens: count(field(row, "totalTokens")) ?? 0,
    ...present({
      channel: text(field(row, "channel"), 64),
      model: modelOf(row),
      updatedAt: seconds(field(row, "updatedAt")),
      costMicros: micros(field(row, "estimatedCostUsd")),
    }),
  };
}

function statusOf(row: unknown): Session["status"] {
  if (field(row, "hasActiveRun") === true) return "running";
  const status = field(row, "status");
  if (status === undefined || status === null) return "idle";
  return typeof status === "string" && Object.hasOwn(statuses, status) ? (statuses[status] ?? "unknown") : "unknown";
}

function modelOf(row: unknown): string | undefined {
  const model = name(field(row, "model"));
  const provider = name(field(row, "modelProvider"));
  return model === undefined || provider === undefined ? model : `${provider}/${model}`.slice(0, 200);
}

export async function readTranscript(
  asking: Asking,
  args: ReadArgs<"content.transcript@1">,
): Promise<ReadResult<"content.transcript@1">> {
  const { acting, ask, now } = asking;
  const session = await sessionNamed(acting, stringOf(args, "session"));
  if (session === undefined) throw new ReadingError("not_found");
  const messages = field(await ask("sessions.get", { key: session.id, limit: MAX_ENTRIES }), "messages");
  if (!Array.isArray(messages)) throw new ReadingError("gateway");
  const known = await secretsOf(asking);
  // The newest are at the end, and are what people want to see when not all of it fits.
  const newest: Entry[] = [];
  let characters = 0;
  for (const message of messages.slice(-MAX_ENTRIES).toReversed()) {
    const entry = entryOf(message, known);
    characters += entry.text.length;
    if (characters > MAX_TRANSCRIPT_CHARACTERS) break;
    newest.push(entry);
  }
  return {
    at: now,
    entries: newest.toReversed(),
    more: newest.length < messages.length || messages.length >= MAX_ENTRIES,
  };
}

function entryOf(message: unknown, known: readonly string[]): Entry {
  return {
    role: text(field(message, "role"), 32) ?? "",
    text: redact(contentOf(field(message, "content")).slice(0, MAX_RAW_CHARACTERS), known).slice(
      0,
      MAX_ENTRY_CHARACTERS,
    ),
    ...present({ at: seconds(field(message, "timestamp")) }),
  };
}

/** Texts as they are; a part of another kind (a tool's call, a file) as what the gateway calls it and its words. */
function contentOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .slice(0, 256)
    .map((part: unknown) => {
      const said = field(part, "text");
      if (typeof said === "string") return said;
      const kind = text(field(part, "type"), 32) ?? "part";
      const called = text(field(part, "name"), 100);
      const given = field(part, "arguments") ?? field(part, "input");
      const shown = given === undefined ? "" : ` ${JSON.stringify(given).slice(0, MAX_ENTRY_CHARACTERS)}`;
      return `[${kind}${called === undefined ? "" : ` ${called}`}]${shown}`;
    })
    .join("\n");
}

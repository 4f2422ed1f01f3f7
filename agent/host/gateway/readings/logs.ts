/** The gateway's log, from where the reader left off. It holds what agents wrote, so it is content; secrets are taken out here. */
import type { ReadArgs, ReadResult } from "../../../../protocol/reads.ts";
import { logLevels } from "../../../../protocol/reads/content.ts";
import { ReadingError } from "../reading-error.ts";
import { field } from "../wire.ts";
import type { Asking } from "./asking.ts";
import { secretsOf } from "./configuration.ts";
import { redact } from "./redaction.ts";
import { count, present, text } from "./shown.ts";

type Logs = ReadResult<"content.logs@1">;
type Line = Logs["lines"][number];
type Level = NonNullable<Line["level"]>;

const MAX_LINES = 1_000;
/** Of the file; each line of it is several times what is shown of it. */
const MAX_BYTES = 1_000_000;
const MAX_LINE_CHARACTERS = 4_096;
/** Longer lines are cut before they are looked through. */
const MAX_RAW_CHARACTERS = 65_536;
/** A secret that was cut in two is not recognised: the end of a cut line is not shown. */
const CUT_CHARACTERS = 4_096;
/** All lines together, as JSON: a reading carries 290 KB. */
const MAX_TEXT_BYTES = 230_000;

export async function readLogs(asking: Asking, args: ReadArgs<"content.logs@1">): Promise<Logs> {
  const { ask, now } = asking;
  const { cursor, level } = args;
  const since = cursor === undefined ? {} : { cursor };
  const [answer, known] = await Promise.all([
    ask("logs.tail", { limit: MAX_LINES, maxBytes: MAX_BYTES, ...since }),
    secretsOf(asking),
  ]);
  const raw = field(answer, "lines");
  const next = count(field(answer, "cursor"));
  if (!Array.isArray(raw) || next === undefined) throw new ReadingError("gateway");
  const read = raw
    .slice(-MAX_LINES)
    .flatMap((line: unknown) => (typeof line === "string" ? [lineOf(line, known)] : []))
    .filter((line) => level === undefined || isAtLeast(line.level, level));
  const lines = newestWithin(read, MAX_TEXT_BYTES);
  const wasCut = cursor !== undefined && (field(answer, "truncated") === true || lines.length < read.length);
  return { at: now, cursor: next, isReset: field(answer, "reset") === true || wasCut, lines };
}

function newestWithin(lines: readonly Line[], bytes: number): Line[] {
  let left = bytes;
  const from = lines.findLastIndex((line) => {
    left -= Buffer.byteLength(JSON.stringify(line), "utf8") + 1;
    return left < 0;
  });
  return lines.slice(from + 1);
}

/** A line without a level is never the reason for a filter. */
function isAtLeast(level: Level | undefined, asked: Level): boolean {
  return level === undefined || logLevels.indexOf(level) >= logLevels.indexOf(asked);
}

export function lineOf(raw: string, known: readonly string[]): Line {
  const body = parse(raw);
  const meta = field(body, "_meta");
  const named = field(meta, "logLevelName") ?? field(body, "level");
  const level = logLevels.find((one) => typeof named === "string" && one === named.toLowerCase());
  const at = timeOf(field(body, "time") ?? field(meta, "date"));
  return { text: shown(wordsOf(body) ?? raw, known), ...present({ at, level }) };
}

function shown(words: string, known: readonly string[]): string {
  const clean = redact(words.slice(0, MAX_RAW_CHARACTERS), known);
  const whole = words.length > MAX_RAW_CHARACTERS ? clean.slice(0, -CUT_CHARACTERS) : clean;
  return whole.slice(0, MAX_LINE_CHARACTERS);
}

function parse(raw: string): unknown {
  if (!raw.startsWith("{")) return undefined;
  try {
    return JSON.parse(raw);
  } catch {
    return undefined; // a line that is no JSON is shown as it is
  }
}

/** What was said, and by which part of the gateway. Undefined: the line has another form. */
function wordsOf(body: unknown): string | undefined {
  const message = field(body, "message");
  if (typeof message !== "string") return undefined;
  const first = field(body, "0");
  const part = typeof first === "string" ? text(field(parse(first), "subsystem"), 64) : undefined;
  return part === undefined ? message : `${part}: ${message}`;
}

function timeOf(time: unknown): number | undefined {
  const at = typeof time === "string" ? Date.parse(time.slice(0, 40)) : Number.NaN;
  return Number.isNaN(at) ? undefined : count(Math.floor(at / 1_000));
}

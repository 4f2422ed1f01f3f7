/**
 * Syslog (RFC 5424), one message a line: nothing in a message is a line end, so the framing that needs no counting (RFC
 * 6587, section 3.4.2) loses nothing, and a file of it can be read by eye. Pure.
 */
import { levels } from "./actions.ts";
import { UNREADABLE } from "./csv.ts";
import { actorOf, printable, subjectOf, timeOf, type LedgerEvent, type UnreadableEvent } from "./event.ts";

/** "Log audit". */
const FACILITY = 13;
/** The number that RFC 5612 keeps for examples: we have none of our own, and names without one are registered names. */
const SD_ID = "clawhold@32473";

/** RFC 5424, section 6.3.3. */
export function syslogValue(text: string): string {
  return printable(text).replaceAll(/["\\\]]/g, "\\$&");
}

export function syslogLine(event: LedgerEvent | UnreadableEvent): string {
  return event.entry === undefined ? unreadableLine(event) : readableLine(event);
}

function readableLine({ index, digest, leaf, entry, what, level, outcome, ...event }: LedgerEvent): string {
  const actor = actorOf(entry);
  const elements = element({
    index: String(index),
    entryDigest: digest,
    leafHash: leaf,
    workspace: entry.workspace,
    actorKind: actor.kind,
    actor: actor.id,
    target: subjectOf(entry),
    result: outcome,
    source: event.source,
    country: event.country,
    device: event.device,
    detail: event.detail,
  });
  const priority = FACILITY * 8 + levels[level].syslog;
  return `<${priority}>1 ${timeOf(entry)} - clawhold - ${entry.action} ${elements} ${what}\n`;
}

function unreadableLine({ index, digest, leaf }: UnreadableEvent): string {
  const elements = element({ index: String(index), entryDigest: digest, leafHash: leaf, result: "unknown" });
  return `<${FACILITY * 8 + levels.critical.syslog}>1 - - clawhold - unreadable ${elements} ${UNREADABLE}\n`;
}

function element(parameters: Readonly<Record<string, string | undefined>>): string {
  const written = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [` ${name}="${syslogValue(value)}"`],
  );
  return `[${SD_ID}${written.join("")}]`;
}

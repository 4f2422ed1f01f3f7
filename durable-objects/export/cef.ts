/** ArcSight Common Event Format, version 0: one line an entry, ended by a line feed. Pure. */
import { levels } from "./actions.ts";
import { UNREADABLE } from "./csv.ts";
import { actorOf, printable, subjectOf, type LedgerEvent, type UnreadableEvent } from "./event.ts";

/** Of the entries' schema: what a row means changes with it, not with the program. */
const DEVICE = "CEF:0|Clawhold|Clawhold|1";

/** In the head a bar separates fields. */
function head(text: string): string {
  return printable(text).replaceAll("\\", "\\\\").replaceAll("|", "\\|");
}

/** In the extension an equals sign separates name and value. */
export function cefValue(text: string): string {
  return printable(text).replaceAll("\\", "\\\\").replaceAll("=", "\\=");
}

export function cefLine(event: LedgerEvent | UnreadableEvent): string {
  return event.entry === undefined ? unreadableLine(event) : readableLine(event);
}

function readableLine({ index, digest, leaf, entry, what, level, outcome, ...event }: LedgerEvent): string {
  const actor = actorOf(entry);
  const extension = {
    rt: String(entry.at),
    externalId: String(index),
    act: entry.action,
    outcome,
    msg: what,
    deviceExternalId: entry.workspace,
    suser: actor.kind,
    suid: actor.id,
    duid: subjectOf(entry),
    ...addressOf(event.source),
    cs1Label: "entryDigest",
    cs1: digest,
    cs2Label: "leafHash",
    cs2: leaf,
    cs3Label: "detail",
    cs3: event.detail,
    ...(event.country === undefined ? {} : { cs4Label: "country", cs4: event.country }),
    ...(event.device === undefined ? {} : { cs5Label: "device", cs5: event.device }),
  };
  return `${DEVICE}|${head(entry.action)}|${head(what)}|${levels[level].cef}|${fields(extension)}\n`;
}

function unreadableLine({ index, digest, leaf }: UnreadableEvent): string {
  const extension = {
    externalId: String(index),
    outcome: "unknown",
    cs1Label: "entryDigest",
    cs1: digest,
    ...(leaf === undefined ? {} : { cs2Label: "leafHash", cs2: leaf }),
  };
  return `${DEVICE}|unreadable|${head(UNREADABLE)}|${levels.critical.cef}|${fields(extension)}\n`;
}

function fields(extension: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(extension)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${cefValue(value)}`]))
    .join(" ");
}

/** `src` is for version 4 only. */
function addressOf(source: string | undefined): Readonly<Record<string, string>> {
  if (source === undefined) return {};
  return source.includes(":") ? { c6a2Label: "Source IPv6 Address", c6a2: source } : { src: source };
}

/**
 * Comma-separated values (RFC 4180): a header, then one row an entry. Every cell is quoted, because programs take other
 * characters than a comma for its end; one that a spreadsheet would take for a formula begins with an apostrophe instead,
 * so that opening the file runs nothing; and none shows in another order than it has. Pure.
 */
import { actorOf, printable, timeOf, type LedgerEvent, type UnreadableEvent } from "./event.ts";

const COLUMNS = [
  "index",
  "time",
  "action",
  "what",
  "actor_kind",
  "actor",
  "target",
  "result",
  "source",
  "country",
  "device",
  "detail",
  "entry_digest",
  "leaf_hash",
] as const;

export const CSV_HEADER = `${COLUMNS.map((column) => `"${column}"`).join(",")}\r\n`;

/** What spreadsheets read as the beginning of a formula, full-width forms included, and blanks that they may pass over. */
const FORMULA = /^\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/;

export function csvCell(text: string): string {
  const shown = printable(text);
  const safe = FORMULA.test(shown) ? `'${shown}` : shown;
  return `"${safe.replaceAll('"', '""')}"`;
}

export function csvLine(event: LedgerEvent | UnreadableEvent): string {
  const cells = event.entry === undefined ? unreadable(event) : readable(event);
  return `${COLUMNS.map((column) => csvCell(cells[column] ?? "")).join(",")}\r\n`;
}

type Cells = Readonly<Partial<Record<(typeof COLUMNS)[number], string | undefined>>>;

function readable({ index, digest, leaf, entry, what, outcome, detail, source, country, device }: LedgerEvent): Cells {
  const { kind, id } = actorOf(entry);
  return {
    index: String(index),
    time: timeOf(entry),
    action: entry.action,
    what,
    actor_kind: kind,
    actor: id,
    target: entry.target,
    result: outcome,
    source,
    country,
    device,
    detail,
    entry_digest: digest,
    leaf_hash: leaf,
  };
}

function unreadable({ index, digest, leaf }: UnreadableEvent): Cells {
  return { index: String(index), what: UNREADABLE, result: "unknown", entry_digest: digest, leaf_hash: leaf };
}

export const UNREADABLE = "What is stored here is no entry of the log.";

/** The formats in which entries leave the edge. What is sent to far ends and what is written to files are the same rows. */
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import type { ExportFormat } from "../../protocol/ledger.ts";
import { cefLine } from "./cef.ts";
import { CSV_HEADER, csvLine } from "./csv.ts";
import { toEvent } from "./event.ts";
import { entryLine } from "./jsonl.ts";
import { ocsfLine } from "./ocsf.ts";
import { syslogLine } from "./syslog.ts";

export interface Format {
  readonly contentType: string;
  /** Before the first row. */
  readonly header: string;
  /** With its line end. */
  row(row: ActivityRow): string;
}

const LINES = "application/x-ndjson";
const TEXT = "text/plain; charset=utf-8";

export const formats = {
  jsonl: { contentType: LINES, header: "", row: entryLine },
  csv: {
    contentType: "text/csv; charset=utf-8; header=present",
    header: CSV_HEADER,
    row: (row) => csvLine(toEvent(row)),
  },
  ocsf: { contentType: LINES, header: "", row: (row) => ocsfLine(toEvent(row)) },
  cef: { contentType: TEXT, header: "", row: (row) => cefLine(toEvent(row)) },
  syslog: { contentType: TEXT, header: "", row: (row) => syslogLine(toEvent(row)) },
} as const satisfies Record<ExportFormat, Format>;

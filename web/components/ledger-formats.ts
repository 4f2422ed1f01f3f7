/** The forms in which entries leave, in words; and what a narrowed choice of entries is called. */
import type { LedgerFilter } from "../../protocol/contracts/ledger.ts";
import type { ExportFormat } from "../../protocol/ledger.ts";
import { formatExact, formatList } from "../format.ts";

export const formatNames = {
  jsonl: "JSON lines, with proofs",
  csv: "CSV, for a spreadsheet",
  ocsf: "OCSF 1.8, JSON lines",
  cef: "CEF",
  syslog: "syslog, RFC 5424",
} as const satisfies Record<ExportFormat, string>;

export const formatOptions = Object.entries(formatNames) as readonly (readonly [ExportFormat, string])[];

/** `everything`, or what is chosen from it. */
export function filterWords(filter: LedgerFilter, nameOf: (id: string) => string): string {
  const { since, until, actor, action, host } = filter;
  const parts = [
    ...(actor === undefined ? [] : [`by ${nameOf(actor)}`]),
    ...(host === undefined ? [] : [`of the host ${nameOf(host)}`]),
    ...(action === undefined ? [] : [`of the kind ${action}`]),
    ...(since === undefined ? [] : [`from ${formatExact(since)}`]),
    ...(until === undefined ? [] : [`before ${formatExact(until)}`]),
  ];
  return parts.length === 0 ? "everything" : `entries ${formatList(parts)}`;
}

/**
 * Copies of the log as pages ask for them. May not: keep a copy, or any part of one, beyond what the browser saves for
 * the person.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { ExportRequest } from "../../protocol/contracts/exports.ts";
import type { ExportFormat } from "../../protocol/ledger.ts";
import type { TouchStep } from "./backend.ts";

/** What the name of a copy ends in. */
export const fileEndings = {
  jsonl: "jsonl",
  csv: "csv",
  ocsf: "ocsf.jsonl",
  cef: "cef",
  syslog: "log",
} as const satisfies Record<ExportFormat, string>;

/** What comes between the touch and the file. */
export type ExportStep =
  | Exclude<TouchStep, { readonly kind: "done" }>
  /** Bytes that have arrived, and how far that is: a filter may end sooner. */
  | { readonly kind: "fetching"; readonly bytes: number; readonly entries: number }
  /** To be saved under this name; whole, or it would not be here. */
  | { readonly kind: "file"; readonly file: Blob; readonly name: string };

export type TicketStep =
  | Exclude<TouchStep, { readonly kind: "done" }>
  /** For one download, at once, by a program: `url` takes it in the header `clawhold-ticket`. */
  | { readonly kind: "ticket"; readonly ticket: string; readonly url: string; readonly until: number };

export interface ExportDesk {
  /** This person may take a copy. */
  readonly mayExport: ReadonlySignal<boolean>;
  /** One touch over exactly this request, then the file, part by part. Call from the click; stop iterating to cancel. */
  take(request: ExportRequest): AsyncIterable<ExportStep>;
  /** One touch over exactly this request, then a ticket for a program that takes the file whole. Call from the click. */
  ticket(request: ExportRequest): AsyncIterable<TicketStep>;
}

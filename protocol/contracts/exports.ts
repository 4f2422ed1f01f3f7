/**
 * Copies of the activity log. A touch approves the copy, the ledger has it before its first byte leaves. A page fetches
 * it in parts, because a signer passes on JSON only; a program takes it whole with a one-time ticket.
 */
import * as v from "valibot";
import { count, id, nonce, seconds } from "../fields.ts";
import { exportFormats, exportPurposes } from "../ledger.ts";
import { approvedChange } from "./edge-action.ts";
import { NO_WRITE, type Endpoint } from "./endpoint.ts";
import { ledgerFilterSchema } from "./ledger.ts";

export const exportRequestSchema = v.strictObject({
  format: v.picklist(exportFormats),
  purpose: v.picklist(exportPurposes),
  /** Nothing in it: everything. Of `jsonl` then also everything that verifies it. */
  filter: ledgerFilterSchema,
  /** Exactly one sealed segment, to keep before it is dropped. */
  segment: v.optional(v.pipe(count, v.minValue(1))),
});
export type ExportRequest = v.InferOutput<typeof exportRequestSchema>;

export const exportEndpoints = {
  exportStart: {
    method: "POST",
    path: "/api/exports",
    access: "session",
    permission: "ledger.read",
    touch: { needed: true, why: "what left is out of anybody's hands" },
    request: approvedChange(exportRequestSchema),
    /** `entries`: of the log at this moment; a filter may leave fewer. */
    response: v.strictObject({ export: id, entries: count, expires: seconds }),
  },
  /** Query: `cursor`, as the part before gave it; absent for the first. Bytes of UTF-8, to be joined as they come. */
  exportPart: {
    method: "GET",
    path: "/api/exports/:export/part",
    access: "session",
    permission: "ledger.read",
    touch: NO_WRITE,
    response: v.strictObject({ text: v.string(), next: v.optional(v.string()) }),
  },
  exportTicket: {
    method: "POST",
    path: "/api/exports/:export/ticket",
    access: "session",
    permission: "ledger.read",
    touch: { needed: false, why: "the touch over the export allowed it; one download, at once" },
    request: v.strictObject({}),
    response: v.strictObject({ ticket: nonce }),
  },
  /** The ticket is the header `clawhold-ticket`. The answer is the file itself, `application/octet-stream`. */
  exportDownload: { method: "POST", path: "/api/exports/download", access: "ticket", touch: NO_WRITE },
} as const satisfies Record<string, Endpoint>;

export const TICKET_HEADER = "clawhold-ticket";

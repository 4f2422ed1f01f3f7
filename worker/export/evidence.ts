/** What people signed, for the copy of the log that names it: behind the entry that accepted the command. */
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import type { LedgerRecord } from "../../durable-objects/db/ledger-reader.ts";
import { readEntry } from "../../durable-objects/export/event.ts";
import { fileLine } from "../../durable-objects/export/jsonl.ts";

/** Canonical JSON of the Submission; undefined where the host's object does not hold it, or it may not be read. */
export type ReadSubmission = (host: string, intent: string) => Promise<string | undefined>;

/** At most one line. */
export async function evidenceLine(record: LedgerRecord, read: ReadSubmission): Promise<readonly string[]> {
  // Most entries are something else; looking spares reading them.
  if (!record.body.includes('"action":"command.accepted"')) return [];
  const entry = readEntry(utf8(record.body));
  if (entry?.action !== "command.accepted") return [];
  const { target: host, detail } = entry;
  const { intent } = detail;
  if (host === undefined || intent === undefined) return [];
  const submission = await read(host, intent);
  if (submission === undefined) return [];
  return [fileLine({ kind: "evidence", intent, host, submission: toBase64url(utf8(submission)) })];
}

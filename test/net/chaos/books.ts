/** What is written down at the end of a run: the ledger as a stranger checks it, and the journals of the hosts. */
import { copyFileSync } from "node:fs";
import path from "node:path";
import { HostError } from "../../../agent/host/host-error.ts";
import { Journal } from "../../../agent/host/warden/journal.ts";
import { fromBase64url } from "../../../protocol/bytes.ts";
import type { ActivityRow, HostRow } from "../../../protocol/contracts.ts";
import { CHAIN_START, checkEntry, type LedgerEntry } from "../../../protocol/ledger.ts";
import { MAX_ENTRIES_PER_PAGE } from "../../../protocol/limits.ts";
import { receiptCodec } from "../../../protocol/messages.ts";
import { digestOf, verifySignature } from "../../../protocol/signing.ts";
import type { HeadlessOperator } from "../../e2e/operator.ts";
import type { HostJournal, Ledger, LedgerReceipt } from "./judge.ts";

/** The ledger from its first entry to its last; stops where it does not verify. */
export async function readLedger(operator: HeadlessOperator): Promise<Ledger> {
  const { hosts } = (await operator.call("hosts")) as { hosts: HostRow[] };
  const keys = new Map(hosts.map(({ host, hostKey }) => [host, hostKey]));
  const workspace = operator.state?.workspace ?? "";
  const entries: Ledger["entries"][number][] = [];
  const receipts: LedgerReceipt[] = [];
  let position = CHAIN_START;
  for (;;) {
    const { rows } = (await operator.call("activity", {
      path: `/api/activity?after=${String(position.index)}&limit=${String(MAX_ENTRIES_PER_PAGE)}`,
    })) as { rows: ActivityRow[] };
    if (rows.length === 0) return { entries, receipts };
    for (const row of rows) {
      const step = checkEntry(fromBase64url(row.body), row.hash, { workspace, position });
      if (!step.ok) return { entries, receipts, fault: `entry ${String(step.index)}: ${step.fault}` };
      position = step.position;
      entries.push({ action: step.entry.action, intent: intentOf(step.entry) });
      if (step.entry.action !== "command.receipt") continue;
      const receipt = await readReceipt(row, step.entry, keys);
      if (typeof receipt === "string") return { entries, receipts, fault: `entry ${String(row.index)}: ${receipt}` };
      receipts.push(receipt);
    }
  }
}

function intentOf({ detail }: LedgerEntry): string | undefined {
  return detail.intent;
}

/** The receipt of an entry, or what is wrong with it. */
async function readReceipt(
  row: ActivityRow,
  entry: LedgerEntry,
  keys: ReadonlyMap<string, string>,
): Promise<LedgerReceipt | string> {
  if (row.receipt === undefined) return "its receipt is missing";
  const body = fromBase64url(row.receipt.body);
  const digest = digestOf("receipt", body);
  if (digest !== entry.detail.receipt) return "it names another receipt";
  const { host, intent, number, previous, verdict } = receiptCodec.decode(body);
  const publicKey = keys.get(host) ?? "";
  const isSigned = await verifySignature({ kind: "receipt", body, signature: row.receipt.signature, publicKey });
  return isSigned ? { host, intent, number, previous, verdict, digest } : "its receipt is not signed by the host";
}

/** The journal of a host whose agent has ended, read as the agent itself would. */
export function readJournal(host: string, directory: string, aside: string): HostJournal {
  const copy = path.join(aside, `${host}.journal`);
  copyFileSync(path.join(directory, "host", "warden", "journal.jsonl"), copy);
  const journal = openJournal(copy);
  if (typeof journal === "string") return { host, receipts: [], unfinished: [], unacked: [], fault: journal };
  try {
    return {
      host,
      receipts: journal.receiptsAfter(0),
      unfinished: journal.unfinished().map(({ intent }) => intent),
      unacked: journal.unacked().map(({ receipt }) => receipt.number),
    };
  } finally {
    journal.close();
  }
}

/** The journal, or why an agent would not start over it. */
function openJournal(file: string): Journal | string {
  try {
    return Journal.open({ path: file, now: Math.floor(Date.now() / 1_000) });
  } catch (error) {
    if (error instanceof HostError) return error.message;
    throw error;
  }
}

/**
 * Hands rows to the audit in their order, while the signatures of receipts are checked beside each other. Holds a bounded
 * number of rows; whoever reads asks after each whether to wait.
 */
import { Audit, auditedActions, type AuditRange } from "../../protocol/audit.ts";
import type { Openings } from "../../protocol/audit/openings.ts";
import { judgeReceipt, type ReceiptVerdict } from "../../protocol/audit/receipts.ts";
import type { LedgerAction, LedgerEntry } from "../../protocol/ledger.ts";
import type { Signed } from "../../protocol/messages.ts";
import type { Report } from "./report.ts";
import type { Room } from "./room.ts";

export interface AuditedLine {
  readonly line: number;
  readonly entry: LedgerEntry;
  readonly openings: Openings;
  readonly receipt: Signed | undefined;
}

interface Waiting extends AuditedLine {
  readonly verdict: Promise<ReceiptVerdict> | undefined;
}

/** Enough to keep the runtime's threads busy, little enough to hold. */
const MAX_WAITING = 256;

/** Entries that tell something to the audit or to another reader of the file; others only need their values judged. */
const READ: ReadonlySet<LedgerAction> = new Set<LedgerAction>([
  ...auditedActions,
  "trust.stated",
  "trust.refused",
  "ledger.dropped",
]);

export function isRead(action: LedgerAction): boolean {
  return READ.has(action);
}

export class AuditedRows {
  readonly #room: Room;
  readonly #report: Report;
  readonly #audit: Audit;
  #waiting: Waiting[] = [];
  #receipts = 0;

  constructor(room: Room, report: Report, range: AuditRange) {
    this.#room = room;
    this.#report = report;
    this.#audit = new Audit(range);
  }

  /** Receipts whose signature was found good. */
  get receipts(): number {
    return this.#receipts;
  }

  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  add(row: AuditedLine): void {
    const isPlain = row.entry.action !== "command.receipt" && row.receipt === undefined;
    if (isPlain && this.#waiting.length === 0) this.#hand(row, {});
    else
      this.#waiting.push({ ...row, verdict: isPlain ? undefined : judgeReceipt(row.entry, row.receipt, this.#room) });
  }

  /** Until everything that was added is judged. */
  async drain(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const row of waiting) this.#hand(row, (await row.verdict) ?? {});
  }

  #hand({ line, entry, openings }: AuditedLine, { fault, judged }: ReceiptVerdict): void {
    if (fault !== undefined) this.#report.audit({ ...fault, index: entry.index }, line);
    if (judged !== undefined) this.#receipts += 1;
    for (const finding of this.#audit.add({ entry, openings, receipt: judged })) this.#report.audit(finding, line);
  }

  /** Call after `drain`. */
  end(at: number, isNewest: boolean): ReturnType<Audit["summary"]> {
    for (const finding of this.#audit.end({ at, isNewest })) this.#report.audit(finding, 0);
    return this.#audit.summary();
  }
}

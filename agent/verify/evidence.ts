/** What people signed, beside the entries that accepted it. Remembers a bounded number of accepted commands. */
import { fromBase64url } from "../../protocol/bytes.ts";
import { judgeEvidence, type AcceptedCommand } from "../../protocol/audit/evidence.ts";
import type { LedgerEntry } from "../../protocol/ledger.ts";
import type { LedgerLine } from "../../protocol/ledger-file.ts";
import type { FileCode, Report } from "./report.ts";
import type { Room } from "./room.ts";

/** Some 50 MB: far more than stands between an entry and its evidence in any file of ours. */
const MAX_REMEMBERED = 100_000;

type EvidenceLine = Extract<LedgerLine, { kind: "evidence" }>;

interface Remembered extends AcceptedCommand {
  readonly index: number;
}

const CODES = {
  malformed: "evidence_malformed",
  other: "evidence_other",
  head: "evidence_head",
  told: "evidence_told",
  refused: "evidence_refused",
} as const satisfies Record<string, FileCode>;

export class EvidenceReader {
  readonly #room: Room;
  readonly #report: Report;
  readonly #accepted = new Map<string, Remembered>();
  #hasForgotten = false;
  #checked = 0;

  constructor(room: Room, report: Report) {
    this.#room = room;
    this.#report = report;
  }

  /** Commands whose signatures were found to allow them. */
  get checked(): number {
    return this.#checked;
  }

  remember({ index, at, actor, action, target, detail }: LedgerEntry): void {
    if (action !== "command.accepted" || detail.intent === undefined || target === undefined) return;
    this.#accepted.set(`${detail.intent} ${target}`, { index, at, actor, target, detail });
    if (this.#accepted.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#accepted.keys();
    if (oldest !== undefined) this.#accepted.delete(oldest);
    this.#hasForgotten = true;
  }

  async judge({ intent, host, submission }: EvidenceLine, line: number): Promise<void> {
    const entry = this.#accepted.get(`${intent} ${host}`);
    if (entry === undefined)
      return this.#report.file(this.#hasForgotten ? "evidence_far" : "evidence_unknown", { line, host });
    const verdict = await judgeEvidence(fromBase64url(submission), entry, this.#room.trust);
    if (verdict.ok) {
      this.#checked += 1;
      return;
    }
    const detail = verdict.fault === "refused" ? { detail: verdict.rule } : {};
    this.#report.file(CODES[verdict.fault], { line, index: entry.index, host, ...detail });
  }
}

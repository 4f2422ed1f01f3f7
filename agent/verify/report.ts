/**
 * What a copy of the log is found to be: every finding with its place, its plain sentence and the next step. Codes are read
 * by programs: add, never rename. Bounded: a hostile copy could have a fault in each of a million lines.
 */
import { auditRules, explainFinding, type AuditCode, type AuditFinding } from "../../protocol/audit/findings.ts";
import type { ChainFault } from "../../protocol/ledger.ts";

const FRESH = "Take a fresh copy. If it stays so, whoever made it changed it or made it wrong: do not rely on it.";
const CHANGED =
  "Do not rely on this copy. Compare it with an earlier one, or with what the hosts hold (clawhold audit check).";
const WHO_GAVE_IT = "Ask whoever gave you the file which workspace it is of, and compare with the id that you know.";
const KEEP_BOTH =
  "The past was rewritten or this copy is forged. Keep both files, and ask the hosts what they have seen (clawhold audit check).";

interface FileRule {
  readonly weight: "wrong" | "open";
  readonly what: string;
  readonly next: string;
}

export const fileRules = {
  line_too_long: { weight: "wrong", what: "the line is longer than any line of such a file", next: FRESH },
  line_malformed: { weight: "wrong", what: "this is not a line of a log file in its one allowed form", next: FRESH },
  line_order: { weight: "wrong", what: "the line does not belong at this place of the file", next: FRESH },
  log_missing: {
    weight: "wrong",
    what: "the file does not begin as a copy of a Clawhold log, so nothing of it can be checked",
    next: "Give the file that the page Activity saved as JSON lines.",
  },
  workspace_other: { weight: "wrong", what: "the file is of another workspace than the one given", next: WHO_GAVE_IT },
  trust_root: {
    weight: "wrong",
    what: "the trust log does not begin with the root of this workspace, so nothing can be checked",
    next: WHO_GAVE_IT,
  },
  trust_statement: {
    weight: "wrong",
    what: "a statement of the trust log does not verify, so nothing after it can be checked",
    next: FRESH,
  },
  trust_short: {
    weight: "open",
    what: "an entry tells of a trust statement that the trust log of this file does not have: it was kept back, or never came into force",
    next: "Compare with clawhold trust show on a host: somebody who was revoked could still count here.",
  },
  trust_older: {
    weight: "wrong",
    what: "the trust log of this file lacks statements of the one that you compare it with: it is older, or another",
    next: "Take a fresh copy: hosts and people that were removed or admitted since count differently here. If it stays so, something is kept back.",
  },
  checkpoint_missing: {
    weight: "wrong",
    what: "nothing in the file is signed by the log: the checkpoint is missing",
    next: FRESH,
  },
  checkpoint_malformed: { weight: "wrong", what: "the checkpoint is not in its one allowed form", next: FRESH },
  checkpoint_workspace: { weight: "wrong", what: "the checkpoint is of another workspace", next: WHO_GAVE_IT },
  checkpoint_signature: {
    weight: "wrong",
    what: "the checkpoint is not signed by the ledger key that the trust log names",
    next: CHANGED,
  },
  checkpoint_old_key: {
    weight: "wrong",
    what: "the checkpoint is signed by a ledger key that the trust log has replaced since",
    next: "Take a fresh copy: its checkpoint has the present key. Whoever holds an old key could have written this one.",
  },
  checkpoint_other: {
    weight: "wrong",
    what: "a checkpoint that was signed earlier says another past than these entries",
    next: KEEP_BOTH,
  },
  checkpoints_many: {
    weight: "open",
    what: "there are more earlier checkpoints than one file needs: this one was passed over",
    next: "Take a fresh copy, if hosts seem to be missing among those that have seen the log.",
  },
  before_malformed: {
    weight: "wrong",
    what: "what is said to stand before the first entry does not fit together",
    next: FRESH,
  },
  dropped_untold: {
    weight: "wrong",
    what: "everything up to here is said to be dropped by a policy, and no entry tells of it",
    next: "Take a copy of the whole log, and ask who runs the edge where its beginning is.",
  },
  dropped_unshown: {
    weight: "open",
    what: "everything up to here is said to be dropped by a policy; the entry that would tell of it comes after the end of this file",
    next: "Take a copy that reaches the newest entry.",
  },
  time_back: {
    weight: "open",
    what: "it says that it happened minutes before the entry before it",
    next: "Ask who runs the edge whether its clock was set back: until then do not rely on the times around it.",
  },
  entry_malformed: { weight: "wrong", what: "the entry is not well formed", next: CHANGED },
  entry_workspace: { weight: "wrong", what: "the entry belongs to another workspace", next: CHANGED },
  entry_gap: { weight: "wrong", what: "an entry is missing before this one, or the order is wrong", next: CHANGED },
  entry_previous: {
    weight: "wrong",
    what: "it does not follow the entry before it: one of the two was replaced",
    next: CHANGED,
  },
  entry_hash: { weight: "wrong", what: "its content was changed: the digest does not fit", next: CHANGED },
  row_index: { weight: "wrong", what: "the row gives another index than the entry", next: CHANGED },
  root: {
    weight: "wrong",
    what: "the entries do not give the root that the checkpoint signed: at least one is not the one that was logged",
    next: CHANGED,
  },
  short: {
    weight: "wrong",
    what: "the checkpoint covers more entries than the file has: the end was cut off",
    next: CHANGED,
  },
  uncovered: { weight: "wrong", what: "there are more entries than the checkpoint covers", next: CHANGED },
  after_proof: {
    weight: "wrong",
    what: "the checkpoint's log does not begin with these entries",
    next: CHANGED,
  },
  inclusion: {
    weight: "wrong",
    what: "the entry is not proven to be in the log that the checkpoint signed",
    next: CHANGED,
  },
  proven_order: { weight: "wrong", what: "the entries are not in their order, or one is there twice", next: CHANGED },
  evidence_unknown: {
    weight: "wrong",
    what: "what a person signed stands here for a command that no entry before it accepted",
    next: CHANGED,
  },
  evidence_far: {
    weight: "open",
    what: "the entry that accepted this command stands too far before to be compared with what was signed",
    next: "Take the proof of that command alone, from the page Activity, and check it.",
  },
  evidence_malformed: { weight: "wrong", what: "what should be a person's signed command is none", next: CHANGED },
  evidence_other: { weight: "wrong", what: "the signed command is not the one that the entry names", next: CHANGED },
  evidence_head: {
    weight: "wrong",
    what: "the command was signed under a trust log that is not the one of this file",
    next: "Compare with clawhold trust show on a host.",
  },
  evidence_told: {
    weight: "wrong",
    what: "the entry tells who, what or where differently than the person signed it",
    next: "Believe what was signed, not the entry. Ask who runs the edge how the entry came to be.",
  },
  evidence_refused: {
    weight: "wrong",
    what: "what was signed does not allow this command",
    next: "The edge wrote that it accepted a command that it had to refuse. Look whether a host carried it out.",
  },
  kept_other: {
    weight: "wrong",
    what: "at the size of the checkpoint that you kept, this log has another root: it is not the log that you saw then",
    next: KEEP_BOTH,
  },
  kept_longer: {
    weight: "wrong",
    what: "this log is shorter than the checkpoint that you kept: entries that existed are not in it",
    next: KEEP_BOTH,
  },
  kept_workspace: { weight: "wrong", what: "the checkpoint that you kept is of another workspace", next: WHO_GAVE_IT },
  kept_signature: {
    weight: "wrong",
    what: "the checkpoint that you kept is not signed by any ledger key of this trust log",
    next: KEEP_BOTH,
  },
  kept_unjudged: {
    weight: "wrong",
    what: "this log could not be compared with the checkpoint that you kept, because the file does not hold what stood there",
    next: "Take a copy of the whole log, without a filter: until then nothing says that it is the log that you saw then.",
  },
  cosigned_early: {
    weight: "open",
    what: "a host cosigned it before the time that it gives, so from here on that cosignature does not count",
    next: "Compare the clocks of edge and host. If they agree, ask who runs the edge how an entry got a time to come.",
  },
  unwitnessed: {
    weight: "open",
    what: "not every entry here was seen by more than half of the hosts that count, so its operator could still show others another past",
    next: "Take the copy again in a while, or ask the hosts what they have seen (clawhold audit check).",
  },
  cut: { weight: "wrong", what: "the file has no end: it was cut, or is not whole yet", next: FRESH },
  end_count: { weight: "wrong", what: "the file does not have as many lines as its end says", next: FRESH },
  after_end: { weight: "wrong", what: "there is more after the end of the file", next: FRESH },
} as const satisfies Record<string, FileRule>;
export type FileCode = keyof typeof fileRules;

/** The chain's own faults, by the name they have here. */
export const CHAIN_CODES = {
  malformed: "entry_malformed",
  workspace: "entry_workspace",
  gap: "entry_gap",
  previous: "entry_previous",
  hash: "entry_hash",
} as const satisfies Record<ChainFault, FileCode>;

export interface Finding {
  readonly code: FileCode | AuditCode;
  /** From 1; 0: of the file as a whole. */
  readonly line: number;
  readonly index?: number;
  readonly host?: string;
  readonly weight: "wrong" | "open";
  readonly what: string;
  readonly next: string;
}

export interface FindingPlace {
  readonly line: number;
  readonly index?: number;
  readonly host?: string;
  /** Which rule, statement or number it is about. */
  readonly detail?: string;
}

/** Of one code: enough to see where, few enough to read and to hold. */
export const MAX_FINDINGS_EACH = 100;

export class Report {
  readonly #findings: Finding[] = [];
  readonly #counts = new Map<Finding["code"], number>();

  /** Those that are listed, in the order in which they were found. */
  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** How many there are of each, also where not all are listed. */
  get counts(): ReadonlyMap<Finding["code"], number> {
    return this.#counts;
  }

  file(code: FileCode, { detail, ...place }: FindingPlace): void {
    const { weight, what, next } = fileRules[code];
    this.#add({ code, ...place, weight, what: detail === undefined ? what : `${what} (${detail})`, next });
  }

  audit(finding: AuditFinding, line: number): void {
    const { code, index, host } = finding;
    this.#add({ code, line, index, ...(host === undefined ? {} : { host }), ...explainFinding(finding) });
  }

  /** Of this weight, listed or not. */
  count(weight: Finding["weight"]): number {
    let total = 0;
    for (const [code, count] of this.#counts) if (weightOf(code) === weight) total += count;
    return total;
  }

  #add(finding: Finding): void {
    const count = (this.#counts.get(finding.code) ?? 0) + 1;
    this.#counts.set(finding.code, count);
    if (count <= MAX_FINDINGS_EACH) this.#findings.push(finding);
  }
}

function weightOf(code: Finding["code"]): Finding["weight"] {
  return code in fileRules ? fileRules[code as FileCode].weight : auditRules[code as AuditCode].weight;
}

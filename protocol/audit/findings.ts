/**
 * What an audit of the log can find, each with its plain sentence and the next step. Codes are read by programs: add,
 * never rename. `wrong`: somebody has to answer for it. `open`: it says what happened without saying that anybody erred.
 */
import type { PersonalField } from "../ledger.ts";

export interface AuditFinding {
  readonly code: AuditCode;
  /** The entry at which it shows. */
  readonly index: number;
  readonly host?: string;
  /** Numbers of a host's receipts, both included. */
  readonly receipts?: { readonly first: number; readonly last: number };
  readonly field?: PersonalField;
  /** Whose calls were counted. */
  readonly actor?: string;
}

export interface AuditRule {
  readonly weight: "wrong" | "open";
  what(finding: AuditFinding): string;
  readonly next: string;
}

const ASK_THE_HOST = "Ask whoever owns that host: the journal on the machine has every receipt that it signed.";
const NOT_THIS_COPY = "Do not rely on this copy. Take a fresh one, and compare it with what the hosts have witnessed.";
const ASK_WHO_GAVE_IT =
  "Take a fresh copy: where the value was erased while this one was made, it has the entry. Otherwise ask who keeps it back.";

export const auditRules = {
  unreported: {
    weight: "wrong",
    what: ({ host, receipts }) =>
      `${numbers(receipts)} of ${host ?? "a host"} ${isOne(receipts) ? "is" : "are"} missing before this one: the host signed ${isOne(receipts) ? "it" : "them"}, and the log keeps quiet about what was run or refused there`,
    next: ASK_THE_HOST,
  },
  forked: {
    weight: "wrong",
    what: ({ host, receipts }) =>
      `${numbers(receipts)} of ${host ?? "a host"} does not follow the one before: the host's chain has two histories, or receipts were exchanged`,
    next: ASK_THE_HOST,
  },
  farewell_short: {
    weight: "wrong",
    what: ({ host }) => `the last word of ${host ?? "a host"} names another last receipt than the log has`,
    next: "Look at the journal that the reset kept on that machine: receipts between the two are missing here.",
  },
  unasked: {
    weight: "wrong",
    what: ({ host }) =>
      `${host ?? "a host"} signed a receipt for a command that the log never accepted: it was handed on without being written down first`,
    next: ASK_THE_HOST,
  },
  unanswered: {
    weight: "open",
    what: ({ host }) =>
      `${host ?? "a host"} has not answered this command, and would no longer obey it: it was away, or its answer was kept back`,
    next: "Ask whoever owns that host: the journal on the machine says whether it signed a receipt for it.",
  },
  contradiction: {
    weight: "wrong",
    what: ({ host }) => `the entry says something else than the receipt that ${host ?? "the host"} signed`,
    next: "Believe the receipt, not the entry. Ask who runs the edge how the entry came to be.",
  },
  receipt_other: {
    weight: "wrong",
    what: () => "the receipt beside the entry is not the one that the entry names",
    next: NOT_THIS_COPY,
  },
  receipt_malformed: {
    weight: "wrong",
    what: () => "what stands beside the entry as the host's receipt is none",
    next: NOT_THIS_COPY,
  },
  receipt_missing: {
    weight: "wrong",
    what: () => "the receipt that the host signed is not beside the entry that names it",
    next: NOT_THIS_COPY,
  },
  receipt_misplaced: {
    weight: "wrong",
    what: () => "a receipt stands beside an entry that names none",
    next: NOT_THIS_COPY,
  },
  receipt_stranger: {
    weight: "wrong",
    what: ({ host }) => `the receipt is by ${host ?? "a host"}, which the trust log never admitted`,
    next: NOT_THIS_COPY,
  },
  receipt_foreign: {
    weight: "wrong",
    what: () => "the receipt belongs to another workspace",
    next: NOT_THIS_COPY,
  },
  receipt_forged: {
    weight: "wrong",
    what: ({ host }) => `the receipt's signature is not by the key of ${host ?? "the host"}`,
    next: NOT_THIS_COPY,
  },
  opening_other: {
    weight: "wrong",
    what: ({ field }) => `the ${named(field)} beside the entry is not the one that the entry commits to`,
    next: "Do not rely on that value. The entry itself is not touched by it.",
  },
  opening_misplaced: {
    weight: "wrong",
    what: ({ field }) => `a ${named(field)} stands beside an entry that commits to none`,
    next: "Do not rely on that value. The entry itself is not touched by it.",
  },
  withheld: {
    weight: "wrong",
    what: ({ field }) => `the ${named(field)} is missing, and no entry says that it was erased: somebody keeps it back`,
    next: ASK_WHO_GAVE_IT,
  },
  unopened: {
    weight: "open",
    what: ({ field }) =>
      `the ${named(field)} is not here; whether it was erased is said by entries that this copy does not have`,
    next: "Take a copy of the whole log to tell erased from withheld.",
  },
  uncounted: {
    weight: "wrong",
    what: ({ actor }) => `the count of calls by ${actor ?? "somebody"} does not follow from the one before`,
    next: "A count was left out or changed. Ask who runs the edge.",
  },
} as const satisfies Record<string, AuditRule>;

export type AuditCode = keyof typeof auditRules;

/** What happened, and the next step. */
export function explainFinding(finding: AuditFinding): {
  readonly weight: AuditRule["weight"];
  readonly what: string;
  readonly next: string;
} {
  const rule: AuditRule = auditRules[finding.code];
  return { weight: rule.weight, what: rule.what(finding), next: rule.next };
}

type Range = AuditFinding["receipts"];

function isOne(range: Range): boolean {
  return range === undefined || range.first === range.last;
}

function numbers(range: Range): string {
  if (range === undefined) return "a receipt";
  return isOne(range) ? `receipt ${range.first}` : `receipts ${range.first} to ${range.last}`;
}

const FIELD_NAMES = {
  source: "source address",
  country: "country",
  device: "kind of browser",
} as const satisfies Record<PersonalField, string>;

function named(field: PersonalField | undefined): string {
  return field === undefined ? "value" : FIELD_NAMES[field];
}

/**
 * Which entries tell of a signature, whose, over what, and whether it was taken: the signature log. Pure. `verified` is
 * said only of what this browser verified; what the edge alone checked is called that.
 */
import type { LedgerAction } from "../../../protocol/ledger.ts";
import { nameOf } from "./names.ts";
import type { LedgerEntry } from "../../state/backend.ts";

export type SignatureVerdict =
  /** Verified in this browser. */
  | "verified"
  /** The edge checked it, and keeps nothing that a browser could check. */
  | "taken"
  | "refused"
  | "false";

export interface Signature {
  /** What was signed. */
  readonly message: string;
  readonly by: string;
  readonly verdict: SignatureVerdict;
  /** The rule that refused it, by its code. */
  readonly rule?: string;
}

/** Messages that carry a signature. A row per action; entries of other actions tell of none. */
const messages = {
  "workspace.created": "root",
  "session.started": "sign-in",
  "session.refused": "sign-in",
  "session.revoked": "end of a sign-in",
  "trust.stated": "statement",
  "trust.refused": "statement",
  "host.joined": "join",
  "command.accepted": "command",
  "command.refused": "command",
  "command.receipt": "receipt",
  "proposal.made": "proposal",
  "proposal.approved": "proposal",
  "setting.changed": "setting of the edge",
  "ledger.exported": "copy of this log",
  "ledger.erased": "erasure",
  "ledger.dropped": "dropping of entries",
  "host.reset": "farewell",
  "witness.refused": "refusal to witness",
  "approval.refused": "approval",
} as const satisfies Partial<Record<LedgerAction, string>>;

export function isSigned(action: LedgerAction): action is keyof typeof messages {
  return Object.hasOwn(messages, action);
}

export function signatureOf(entry: LedgerEntry): Signature | undefined {
  const { action, actor, detail } = entry;
  if (!isSigned(action)) return undefined;
  const message = messages[action];
  return {
    message: detail.statementKind === undefined ? message : `${message} ${detail.statementKind}`,
    by: nameOf(actor),
    verdict: verdictOf(entry),
    ...(detail.code === undefined ? {} : { rule: detail.code }),
  };
}

function verdictOf({ action, seal, word }: LedgerEntry): SignatureVerdict {
  if (action.endsWith(".refused")) return "refused";
  if (seal.state === "failed") return "false";
  // An acceptance that waits for its receipt was signed by its author all the same; the proof of the entry checks it.
  if (action === "command.accepted") return "taken";
  return word === "signed" && seal.state === "verified" ? "verified" : "taken";
}

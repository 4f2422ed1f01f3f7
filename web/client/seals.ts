/**
 * What this browser may say about an entry. Every entry is a link of a chain that was recomputed here; only some also
 * carry somebody's signature. What the edge alone wrote is never dressed up as more.
 */
import type { LedgerAction, PersonalField } from "../../protocol/ledger.ts";
import type { LedgerEntry, Seal } from "../state/backend.ts";
import type { CheckedRow } from "./checked-row.ts";
import type { CheckedReceipt } from "./receipts.ts";

/** Whose word an action is: `signed` by a person or a host, or the edge's own account of what it saw. */
const WORDS = {
  "workspace.created": "edge",
  "session.started": "edge",
  "session.ended": "edge",
  "session.refused": "edge",
  "trust.stated": "signed",
  "trust.refused": "edge",
  "host.joined": "edge",
  "host.connected": "edge",
  "host.disconnected": "edge",
  "certificate.issued": "edge",
  "command.accepted": "signed",
  "command.refused": "edge",
  "command.receipt": "signed",
  "passkey.registered": "edge",
  "session.revoked": "edge",
  "invitation.made": "edge",
  "invitation.enrolled": "edge",
  "invitation.withdrawn": "edge",
  "proposal.made": "edge",
  "proposal.approved": "edge",
  "proposal.withdrawn": "edge",
  "join-token.made": "edge",
  "certificate.revoked": "edge",
  "host.frozen": "edge",
  "host.reset": "edge",
  "alert.raised": "edge",
  "alert.acknowledged": "edge",
  "alert.resolved": "edge",
  "setting.changed": "edge",
  "evidence.read": "edge",
  "calls.counted": "edge",
  "ledger.exported": "edge",
  "ledger.erased": "edge",
  "ledger.sealed": "edge",
  "ledger.dropped": "edge",
  "checkpoint.refused": "edge",
  "witness.refused": "edge",
  "witness.reset": "edge",
  "stream.set-aside": "edge",
  "stream.replayed": "edge",
  "address.banned": "edge",
  "address.unbanned": "edge",
  "approval.refused": "edge",
} as const satisfies Record<LedgerAction, LedgerEntry["word"]>;

export function wordOf(action: LedgerAction): LedgerEntry["word"] {
  return WORDS[action];
}

interface Surroundings {
  /** Index of the other half of a command. */
  readonly partner: number | undefined;
  /** True for a statement of the trust log that this browser verified. */
  readonly isStated: (statement: string) => boolean;
}

const MISFITS = {
  source: "the source address does not fit its commitment",
  country: "the country does not fit its commitment",
  device: "the device does not fit its commitment",
} as const satisfies Record<PersonalField, string>;

export function sealOf({ entry, receipt, misfit }: CheckedRow, { partner, isStated }: Surroundings): Seal {
  if (misfit !== undefined) return { state: "failed", reason: MISFITS[misfit] };
  if (entry.action === "command.accepted" && partner === undefined) return { state: "no-receipt" };
  if (entry.action === "command.receipt") return receiptSeal(entry, receipt);
  const { statement } = entry.detail;
  if (entry.action === "trust.stated" && (statement === undefined || !isStated(statement))) {
    return { state: "failed", reason: "the trust log holds no such statement" };
  }
  return { state: "verified" };
}

function receiptSeal({ detail, actor, target }: CheckedRow["entry"], receipt: CheckedReceipt | undefined): Seal {
  if (receipt === undefined) return { state: "failed", reason: "the host's receipt is missing" };
  if (receipt.digest !== detail.receipt)
    return { state: "failed", reason: "this is not the receipt that the entry names" };
  const { host, intent, verdict, code } = receipt.receipt;
  if (intent !== detail.intent || verdict !== detail.verdict || code !== detail.code) {
    return { state: "failed", reason: "receipt and entry say different things" };
  }
  if (receipt.seal.state !== "verified") return receipt.seal;
  // One command can go to several hosts: what one of them signed says nothing about another.
  const isItsOwn = actor.kind === "host" && actor.id === host && target === host;
  return isItsOwn ? receipt.seal : { state: "failed", reason: "another host signed this receipt" };
}

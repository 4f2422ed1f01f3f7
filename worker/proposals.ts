/**
 * Judges what waits for another person, as the command or the statement itself will be judged: whoever approves may do
 * so, on a page that counts, and these very bytes. Hosts judge all of it again; a proposal that is kept commands nothing.
 */
import * as v from "valibot";
import { fromBase64url } from "../protocol/bytes.ts";
import { MalformedError } from "../protocol/canonical.ts";
import { MAX_PROPOSAL_SECONDS, REQUEST_SKEW_SECONDS } from "../protocol/limits.ts";
import { approvalCodec, proposalCodec, type Approval, type Asserted, type Proposal } from "../protocol/messages.ts";
import { isOperationName, operations, type Operation } from "../protocol/operations.ts";
import type { RefusalCode } from "../protocol/refusals.ts";
import { digestOf } from "../protocol/signing.ts";
import { applyStatement } from "../protocol/trust/apply.ts";
import { verifyTouch } from "../protocol/trust/approvals.ts";
import type { TrustRefusal } from "../protocol/trust/refusals.ts";
import { hasPermission, type TrustState } from "../protocol/trust/state.ts";
import {
  isRevocation,
  statementCodec,
  type ChainStatement,
  type SignedStatement,
} from "../protocol/trust/statements.ts";

export interface View {
  readonly trust: TrustState;
  /** Edge clock, seconds. */
  readonly now: number;
}

export interface ReadProposal {
  readonly proposal: Proposal;
  readonly digest: string;
  readonly operation: Operation;
}

/** What of a command is there before anybody touches anything. */
export function readCommandProposal(bytes: Uint8Array, { trust, now }: View): ReadProposal | RefusalCode {
  const proposal = decoded(() => proposalCodec.decode(bytes));
  if (proposal === undefined) return "proposal";
  if (proposal.workspace !== trust.workspace) return "workspace";
  if (trust.frozen !== undefined) return "trust_frozen";
  if (proposal.exp <= now || proposal.exp > now + MAX_PROPOSAL_SECONDS + REQUEST_SKEW_SECONDS)
    return "proposal_expired";
  if (proposal.targets.some(({ host }) => !trust.hosts.has(host))) return "target";
  if (!isOperationName(proposal.operation)) return "operation";
  const operation: Operation = operations[proposal.operation];
  if (!v.is(operation.args, proposal.args)) return "malformed";
  const isPinned = proposal.targets.every(({ expect }) =>
    operation.expects.every((fact) => expect[fact] !== undefined),
  );
  return isPinned ? { proposal, digest: digestOf("proposal", bytes), operation } : "expect";
}

/** Whether one more person may approve it, by this touch. */
export async function judgeCommandTouch(
  { proposal, digest, operation }: ReadProposal,
  asserted: Asserted,
  { trust, now }: View,
): Promise<RefusalCode | undefined> {
  const approval = decoded((): Approval => approvalCodec.decode(fromBase64url(asserted.body)));
  if (approval === undefined) return "approval_malformed";
  if (approval.kind !== "proposal" || approval.subject !== digest || approval.workspace !== trust.workspace)
    return "approval_subject";
  const verdict = await verifyTouch(trust, asserted, "approval");
  if (!verdict.ok) return `approval.${verdict.rule}`;
  if (operation.class === "critical" && verdict.origin.class !== "signer") return "class_origin";
  const person = personOf(asserted, trust) ?? "";
  const { permission } = operation;
  if (!hasPermission(trust, person, { permission, now })) return "role";
  const isCovered = proposal.targets.every(({ host }) => hasPermission(trust, person, { permission, host, now }));
  return isCovered ? undefined : "host_scope";
}

export interface ReadStatement {
  readonly statement: ChainStatement;
  readonly digest: string;
}

/** A revocation needs one person, so it never waits. */
export function readStatementProposal(bytes: Uint8Array): ReadStatement | TrustRefusal {
  const statement = decoded(() => statementCodec.decode(bytes));
  if (statement === undefined || isRevocation(statement)) return "malformed";
  return { statement, digest: digestOf("statement", bytes) };
}

/** "more": sound so far, and more people are needed. "enough": it could be stated now. */
export async function judgeStatementTouches(
  signed: SignedStatement,
  { trust }: View,
): Promise<"more" | "enough" | TrustRefusal> {
  const result = await applyStatement(trust, signed);
  if (result.ok) return "enough";
  return result.code === "people" ? "more" : result.code;
}

/** By whose passkey; undefined when it is nobody's here. */
export function personOf({ assertion }: Asserted, trust: TrustState): string | undefined {
  return trust.credentials.get(assertion.credentialId)?.person;
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * The touches of a command: the last person's over the intent, those before over its proposal. Layer 4 of the host's
 * verification.
 */
import type { ListedOrigin } from "../assertion.ts";
import { equalBytes, fromBase64url } from "../bytes.ts";
import { encodeCanonical } from "../canonical.ts";
import { approvalCodec, proposalCodec, type Approval, type Asserted, type Intent, type Proposal } from "../messages.ts";
import type { Submission } from "../messages.ts";
import { digestOf, type Digest } from "../signing.ts";
import { verifyTouch } from "../trust/approvals.ts";
import type { TrustState } from "../trust/state.ts";
import { decodeAs, Refused } from "./refused.ts";

export interface Touch {
  readonly person: string;
  readonly origin: ListedOrigin;
}

export interface JudgedApprovals {
  /** Everybody who approved; the last person last. */
  readonly touches: readonly Touch[];
  /** Seconds from building the intent to the last press. */
  readonly after: number;
  /** End of the proposal, host seconds; absent without one. */
  readonly exp?: number;
}

export async function judgeApprovals(
  submission: Submission,
  { intent, digest }: { readonly intent: Intent; readonly digest: Digest },
  trust: TrustState,
): Promise<JudgedApprovals> {
  const proposal = readProposal(submission, intent, trust);
  const before: Touch[] = [];
  for (const asserted of submission.proposal?.approvals ?? [])
    before.push((await judgeTouch(asserted, { kind: "proposal", subject: intent.proposal ?? "" }, trust)).touch);
  const [last, ...extra] = submission.approvals;
  if (last === undefined) throw new Refused("approval_missing");
  if (extra.length > 0) throw new Refused("approval_extra");
  const { touch, approval } = await judgeTouch(last, { kind: "intent", subject: digest }, trust);
  const after = approval.kind === "intent" ? approval.after : Number.NaN;
  const touches = [...before, touch];
  return proposal === undefined ? { touches, after } : { touches, after, exp: proposal.exp };
}

interface Wanted {
  readonly kind: Approval["kind"];
  readonly subject: Digest;
}

async function judgeTouch(
  asserted: Asserted,
  { kind, subject }: Wanted,
  trust: TrustState,
): Promise<{ readonly touch: Touch; readonly approval: Approval }> {
  const approval = decodeAs("approval_malformed", (): Approval => approvalCodec.decode(fromBase64url(asserted.body)));
  if (approval.kind !== kind || approval.subject !== subject || approval.workspace !== trust.workspace)
    throw new Refused("approval_subject");
  const verdict = await verifyTouch(trust, asserted, "approval");
  if (!verdict.ok) throw new Refused(`approval.${verdict.rule}`);
  const person = trust.credentials.get(asserted.assertion.credentialId)?.person ?? "";
  return { touch: { person, origin: verdict.origin }, approval };
}

/** The proposal that an intent names: its operation, arguments, hosts and expectations byte for byte. */
function readProposal(submission: Submission, intent: Intent, trust: TrustState): Proposal | undefined {
  const carried = submission.proposal;
  if (intent.proposal === undefined && carried === undefined) return undefined;
  if (carried === undefined) throw new Refused("proposal");
  const bytes = fromBase64url(carried.body);
  if (digestOf("proposal", bytes) !== intent.proposal) throw new Refused("proposal");
  const proposal = decodeAs("proposal", () => proposalCodec.decode(bytes));
  if (proposal.workspace !== trust.workspace) throw new Refused("proposal");
  if (!equalBytes(proposed(proposal), proposed(intent))) throw new Refused("proposal");
  // What is sealed can only be known to the one who sealed it, so nobody else could have approved it.
  if (intent.targets.some(({ sealed }) => sealed.length > 0)) throw new Refused("proposal");
  return proposal;
}

/** What a proposal fixes of an intent, in canonical bytes. */
function proposed({ operation, args, targets }: Pick<Proposal, "operation" | "args" | "targets">): Uint8Array {
  return encodeCanonical({ operation, args, targets: targets.map(({ host, expect }) => ({ host, expect })) });
}

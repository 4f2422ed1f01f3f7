/**
 * Judges a write to the edge itself that a passkey approves: this change, by this endpoint, from this session, by its
 * own person, now, once; what is refused is written down. Hosts refuse such approvals, so a touch given here can never become a command. An edge that
 * lies can change its own settings without any of this; the rule is against stolen sessions and other pages.
 */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { EndpointName } from "../../protocol/contracts.ts";
import { changeDigest } from "../../protocol/contracts/edge-action.ts";
import { EDGE_ACTION_SECONDS } from "../../protocol/limits.ts";
import {
  approvalCodec,
  edgeActionCodec,
  type Approval,
  type Asserted,
  type EdgeAction,
} from "../../protocol/messages.ts";
import type { Permission } from "../../protocol/roles.ts";
import { digestOf } from "../../protocol/signing.ts";
import { verifyTouch } from "../../protocol/trust/approvals.ts";
import { hasPermission } from "../../protocol/trust/state.ts";
import { saveNonce } from "../db/nonces.ts";
import type { Deps } from "../deps.ts";
import { problem } from "../http/problems.ts";
import type { Operator } from "./operator.ts";
import { recordRefused, type RefusedAt } from "./refused-approval.ts";

export interface ApprovedChange {
  readonly change: object;
  /** base64url of the canonical bytes of an EdgeAction. */
  readonly action: string;
  readonly approval: Asserted;
}

export interface EdgeActionRule {
  readonly endpoint: EndpointName;
  /** What the approver needs, now. */
  readonly permission: Permission;
}

interface Fault {
  readonly problem: "forbidden" | "approval_wrong" | "approval_late" | "approval_used";
  /** As the ledger and the log name it. */
  readonly rule: string;
}

/** @throws {ProblemError} `forbidden`, `approval_wrong`, `approval_late` or `approval_used`, after recording it */
export async function requireEdgeAction(
  operator: Operator,
  approved: ApprovedChange,
  context: RefusedAt & { readonly rule: EdgeActionRule },
): Promise<void> {
  const fault = await judge(operator, approved, context);
  if (fault === undefined) return;
  await recordRefused(operator, { code: fault.rule, endpoint: context.rule.endpoint }, context);
  throw problem(fault.problem, fault.rule);
}

async function judge(
  operator: Operator,
  { change, action, approval }: ApprovedChange,
  { rule, deps }: { readonly rule: EdgeActionRule; readonly deps: Deps },
): Promise<Fault | undefined> {
  const { workspace, session, person, trust } = operator;
  const now = edgeSeconds();
  if (!hasPermission(trust, person, { permission: rule.permission, now }))
    return { problem: "forbidden", rule: "role" };
  const bytes = fromBase64url(action);
  const stated = decoded(() => edgeActionCodec.decode(bytes));
  if (stated === undefined) return wrong("approval_malformed");
  const expected = { workspace, session, endpoint: rule.endpoint, change: changeDigest(change) };
  const other = (Object.keys(expected) as (keyof typeof expected)[]).find((key) => stated[key] !== expected[key]);
  if (other !== undefined) return wrong(`approval_${other}`);
  const untouched = await judgeTouch(operator, approval, digestOf("edge-action", bytes));
  if (untouched !== undefined) return wrong(untouched);
  if (Math.abs(now - stated.at) > EDGE_ACTION_SECONDS) return { problem: "approval_late", rule: "approval_late" };
  const isFirst = await spend(stated, operator, deps);
  return isFirst ? undefined : { problem: "approval_used", rule: "approval_used" };
}

function wrong(rule: string): Fault {
  return { problem: "approval_wrong", rule };
}

/** The rule that the touch breaks, if any. */
async function judgeTouch(operator: Operator, asserted: Asserted, subject: string): Promise<string | undefined> {
  const { workspace, person, trust } = operator;
  const approval: Approval | undefined = decoded(() => approvalCodec.decode(fromBase64url(asserted.body)));
  if (approval?.kind !== "edge-action") return "approval_kind";
  if (approval.workspace !== workspace || approval.subject !== subject) return "approval_subject";
  const touch = await verifyTouch(trust, asserted, "approval");
  if (!touch.ok) return `approval.${touch.rule}`;
  return trust.credentials.get(asserted.assertion.credentialId)?.person === person ? undefined : "approval_person";
}

/** Last, so that nothing but a good approval spends its nonce. Remembered for as long as its time could be accepted. */
function spend({ nonce, at }: EdgeAction, { workspace }: Operator, deps: Deps): Promise<boolean> {
  const expires = at + EDGE_ACTION_SECONDS + 1;
  return saveNonce(deps.db, { nonce, workspace, purpose: "edge-action", expires });
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}

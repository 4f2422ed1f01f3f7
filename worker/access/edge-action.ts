/**
 * Judges a write to the edge itself that a passkey approves: this change, by this endpoint, from this session, by its
 * own person, now, once. Hosts refuse such approvals, so a touch given here can never become a command. An edge that
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

/** @throws {ProblemError} `forbidden`, `approval_wrong`, `approval_late` or `approval_used` */
export async function requireEdgeAction(
  operator: Operator,
  { change, action, approval }: ApprovedChange,
  { rule, deps }: { readonly rule: EdgeActionRule; readonly deps: Deps },
): Promise<void> {
  const { workspace, session, person, trust } = operator;
  const now = edgeSeconds();
  if (!hasPermission(trust, person, { permission: rule.permission, now })) throw problem("forbidden", rule.permission);
  const bytes = fromBase64url(action);
  const stated = decoded(() => edgeActionCodec.decode(bytes));
  if (stated === undefined) throw problem("approval_wrong", "action malformed");
  const expected = { v: 1, workspace, session, endpoint: rule.endpoint, change: changeDigest(change) };
  const other = (Object.keys(expected) as (keyof typeof expected)[]).find((key) => stated[key] !== expected[key]);
  if (other !== undefined) throw problem("approval_wrong", other);
  await requireTouch(operator, approval, digestOf("edge-action", bytes));
  if (Math.abs(now - stated.at) > EDGE_ACTION_SECONDS) throw problem("approval_late");
  await spend(stated, operator, deps);
}

async function requireTouch(operator: Operator, asserted: Asserted, subject: string): Promise<void> {
  const { workspace, person, trust } = operator;
  const approval: Approval | undefined = decoded(() => approvalCodec.decode(fromBase64url(asserted.body)));
  if (approval?.kind !== "edge-action") throw problem("approval_wrong", "kind");
  if (approval.workspace !== workspace || approval.subject !== subject) throw problem("approval_wrong", "subject");
  const touch = await verifyTouch(trust, asserted, "approval");
  if (!touch.ok) throw problem("approval_wrong", touch.rule);
  if (trust.credentials.get(asserted.assertion.credentialId)?.person !== person)
    throw problem("approval_wrong", "person");
}

/** Last, so that nothing but a good approval spends its nonce. Remembered for as long as its time could be accepted. */
async function spend({ nonce, at }: EdgeAction, { workspace }: Operator, deps: Deps): Promise<void> {
  const expires = at + EDGE_ACTION_SECONDS + 1;
  const isNew = await saveNonce(deps.db, { nonce, workspace, purpose: "edge-action", expires });
  if (!isNew) throw problem("approval_used");
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * Who approved a statement: each touch verified against what its author knew, in a signer, by different people who may.
 * May not: change a state.
 */
import { verifyAssertion, type AssertionVerdict } from "../assertion.ts";
import { fromBase64url } from "../bytes.ts";
import { MalformedError } from "../canonical.ts";
import { approvalCodec, type Asserted } from "../messages.ts";
import type { Permission } from "../roles.ts";
import { digestBytes, type Digest } from "../signing.ts";
import type { TrustRefusal } from "./refusals.ts";
import {
  countPeople,
  hasPermission,
  hasPermissionOn,
  largestPeople,
  type Approver,
  type Authority,
  type ScopedHost,
} from "./state.ts";
import type { SignedStatement, Statement, StatementKind } from "./statements.ts";

/** Which permission a person needs to approve a statement. */
export const statementPermissions = {
  "person.add": "workspace.administer",
  "credential.add": "workspace.administer",
  "role.define": "workspace.administer",
  "role.assign": "workspace.administer",
  "host.admit": "host.admit",
  "host.remove": "host.admit",
  "automation-key.add": "workspace.administer",
  "origin.add": "workspace.administer",
  "dispatch-key.rotate": "workspace.administer",
  "ledger-key.rotate": "workspace.administer",
  "policy.set": "workspace.administer",
  "fork.resolve": "workspace.administer",
  "root.rotate": "workspace.administer",
  "person.revoke": "workspace.administer",
  "credential.revoke": "workspace.administer",
  "role.revoke": "workspace.administer",
  "automation-key.revoke": "workspace.administer",
  "origin.revoke": "workspace.administer",
} as const satisfies Record<StatementKind, Permission>;

/** Kinds that can give power to somebody: they need as many people as the strictest rule. */
const LOOSENING: ReadonlySet<StatementKind> = new Set<StatementKind>([
  "person.add",
  "role.define",
  "automation-key.add",
  "origin.add",
  "fork.resolve",
  "root.rotate",
]);

/** How many people must approve a statement. */
export function peopleFor(authority: Authority, statement: Statement): number {
  return loosens(authority, statement) ? largestPeople(authority) : 1;
}

function loosens(authority: Authority, statement: Statement): boolean {
  switch (statement.kind) {
    // One's own second passkey adds nobody; whose it is, is known only with the approver.
    case "credential.add":
      return true;
    // The same roles again, or fewer: a renewal, or something taken away.
    case "role.assign": {
      const held = authority.people.get(statement.body.person)?.roles ?? [];
      return !statement.body.roles.every((role) => held.includes(role));
    }
    case "policy.set":
      return loosensPolicy(authority, statement.body);
    default:
      return LOOSENING.has(statement.kind);
  }
}

/** Anything but more people for the same or more operations on the same or more hosts; and every exception. */
function loosensPolicy(authority: Authority, next: Extract<Statement, { kind: "policy.set" }>["body"]): boolean {
  if (next.execOnceFrom !== undefined) return true;
  const now = authority.policies.get(next.id);
  if (now === undefined) return false;
  const covers = (wider: readonly string[], narrower: readonly string[]): boolean =>
    wider.includes("all") || narrower.every((one) => wider.includes(one));
  // A label may be called "all": only as a host does it stand for every one.
  const stays =
    next.people >= now.people &&
    covers(next.operations, now.operations) &&
    covers(next.hosts, now.hosts) &&
    (next.hosts.includes("all") || (now.labels ?? []).every((one) => (next.labels ?? []).includes(one)));
  return !stays;
}

export interface Approved {
  readonly statement: Statement;
  readonly hash: Digest;
  readonly signed: SignedStatement;
}

/** Everybody who approved, or the first rule that failed. `workspace` is the one being changed. */
export async function judgeApprovals(
  authority: Authority,
  { statement, hash, signed }: Approved,
  workspace: Digest,
): Promise<readonly Approver[] | TrustRefusal> {
  const approvers: Approver[] = [];
  for (const asserted of signed.approvals) {
    const approval = decodeApproval(asserted);
    if (approval === undefined) return "malformed";
    if (approval.kind !== "statement" || approval.workspace !== workspace) return "approval";
    if (approval.subject !== hash) return "approval";
    const verdict = await verifyTouch(authority, asserted, "approval");
    if (!verdict.ok) return "assertion";
    if (verdict.origin.class !== "signer") return "origin";
    const approver = describe(authority, asserted, verdict.origin.origin);
    if (!mayApprove(authority, statement, approver)) return "role";
    approvers.push(approver);
  }
  if (approvers.length === 0) return "approval";
  const people = approvers.map(({ person }) => person);
  const needed = isOwnCredential(statement, approvers) ? 1 : peopleFor(authority, statement);
  return countPeople(authority, people, statement.at) < needed ? "people" : approvers;
}

function describe(authority: Authority, { assertion }: Asserted, origin: string): Approver {
  const person = authority.credentials.get(assertion.credentialId)?.person ?? "";
  const grant = authority.people.get(person)?.grant ?? "";
  return { person, credential: assertion.credentialId, origin, grant };
}

function mayApprove(authority: Authority, statement: Statement, approver: Approver): boolean {
  if (isOwnCredential(statement, [approver]) || isOwnRevocation(authority, statement, approver)) return true;
  const wanted = { permission: statementPermissions[statement.kind], now: statement.at };
  const host = hostOf(authority, statement);
  return host === undefined
    ? hasPermission(authority, approver.person, wanted)
    : hasPermissionOn(authority, approver.person, { ...wanted, host });
}

/** The host that a statement is about: whoever admits or removes must hold the permission for that one. */
function hostOf(authority: Authority, { kind, body }: Statement): ScopedHost | undefined {
  if (kind === "host.admit") return { id: body.host, label: body.label };
  if (kind === "host.remove") return { id: body.host, label: authority.hosts.get(body.host)?.label };
  return undefined;
}

/** Everybody may add another passkey for themselves, with one they have. */
function isOwnCredential(statement: Statement, approvers: readonly Approver[]): boolean {
  return statement.kind === "credential.add" && approvers.every(({ person }) => person === statement.body.person);
}

/** Everybody may revoke a passkey of their own: it may just have been stolen. */
function isOwnRevocation(authority: Authority, statement: Statement, { person }: Approver): boolean {
  if (statement.kind !== "credential.revoke") return false;
  return authority.credentials.get(statement.body.credential)?.person === person;
}

function decodeApproval({ body }: Asserted): ReturnType<typeof approvalCodec.decode> | undefined {
  try {
    return approvalCodec.decode(fromBase64url(body));
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Verifies that a credential of this state signed exactly this body. */
export async function verifyTouch(
  authority: Authority,
  asserted: Asserted,
  kind: "session" | "approval",
): Promise<AssertionVerdict> {
  const credential = authority.credentials.get(asserted.assertion.credentialId);
  if (credential === undefined) return { ok: false, rule: "credential" };
  const challenge = digestBytes(kind, fromBase64url(asserted.body));
  return verifyAssertion({ assertion: asserted.assertion, challenge, credential, origins: authority.origins });
}

/**
 * What the edge asks of a statement beyond what hosts ask. Hosts honour a revocation on sight; here one must name the
 * newest head, so that honest histories never differ, and must not take the last administrator away by mistake. It may
 * leave fewer than the rules ask for: one who was taken over has to be stopped, and the page has asked twice.
 */
import { edgeSeconds } from "../durable-objects/clock.ts";
import { utf8Text } from "../protocol/bytes.ts";
import { encodeCanonical } from "../protocol/canonical.ts";
import { MAX_PROPOSAL_SECONDS, MAX_STATEMENTS_PER_PAGE, REQUEST_SKEW_SECONDS } from "../protocol/limits.ts";
import type { TrustRefusal } from "../protocol/trust/refusals.ts";
import {
  heldRevocations,
  killsApprover,
  revokedIds,
  usableAdministrators,
  type TrustState,
} from "../protocol/trust/state.ts";
import { isRevocation, type CredentialBody, type Revocation, type Statement } from "../protocol/trust/statements.ts";
import { findPasskey } from "./db/passkeys.ts";
import { findProposal } from "./db/proposals.ts";
import type { Deps } from "./deps.ts";
import { problem } from "./http/problems.ts";

/** A statement is written, read and touched within minutes; its time decides when grants end. */
const STATEMENT_SKEW_SECONDS = REQUEST_SKEW_SECONDS + 300;
/** Of one place: a page, or the next statement's list of what it knew, must have room for all of them. */
export const MAX_REVOCATIONS_OF_A_PLACE = MAX_STATEMENTS_PER_PAGE / 2;

export interface JudgedStatement {
  readonly statement: Statement;
  readonly digest: string;
  readonly before: TrustState;
  readonly after: TrustState;
}

/** @throws {ProblemError} for what is no rule of the trust log */
export async function judgeStatement(judged: JudgedStatement, deps: Deps): Promise<TrustRefusal | undefined> {
  const { statement } = judged;
  if (!(await isTimely(judged, deps))) return "time";
  await requireRegistered(statement, deps);
  await requireHeld(statement, deps);
  return isRevocation(statement) ? judgeRevocation(judged, statement) : undefined;
}

/** What several people approve in turn is as old as its first touch. */
async function isTimely({ statement, digest }: JudgedStatement, deps: Deps): Promise<boolean> {
  const age = edgeSeconds() - statement.at;
  if (Math.abs(age) <= STATEMENT_SKEW_SECONDS) return true;
  if (age < 0 || age > MAX_PROPOSAL_SECONDS + STATEMENT_SKEW_SECONDS) return false;
  return (await findProposal(deps.db, statement.workspace, digest)) !== undefined;
}

function judgeRevocation({ digest, before, after }: JudgedStatement, { prev }: Revocation): TrustRefusal | undefined {
  if (prev.n !== before.head.n || prev.hash !== before.head.hash) return "place";
  const held = [...heldRevocations(before).values()].map(({ revocation }) => revocation);
  const approver = heldRevocations(after).get(digest)?.approver;
  // Hosts judge the author as if nobody else were revoked, so that order does not matter. We saw the order.
  if (approver === undefined || killsApprover(revokedIds(held), approver)) return "revoked";
  if (held.filter((one) => one.prev.n === prev.n).length >= MAX_REVOCATIONS_OF_A_PLACE)
    throw problem("revocations_many");
  const takesTheLast = usableAdministrators(before).length > 0 && usableAdministrators(after).length === 0;
  return takesTheLast ? "last_admin" : undefined;
}

/** A passkey that this edge never saw made could not sign in here: refused before it takes a place for ever. */
async function requireRegistered(statement: Statement, deps: Deps): Promise<void> {
  for (const { credential } of credentialsOf(statement)) {
    const registered = await findPasskey(deps.db, credential.credentialId);
    if (registered?.credential !== utf8Text(encodeCanonical(credential))) throw problem("passkey_unregistered");
  }
}

/**
 * To a key that this edge does not have it could never change back by its own signature: hosts would hear nothing from it.
 * Where another edge takes over, both keys change at once (`root.rotate`), and this one is meant to fall silent.
 */
async function requireHeld({ kind, body }: Statement, deps: Deps): Promise<void> {
  if (kind !== "dispatch-key.rotate" && kind !== "ledger-key.rotate") return;
  const held = await deps.heldKeys(kind === "dispatch-key.rotate" ? "dispatch" : "ledger");
  if (!held.includes(body.key)) throw problem("edge_key_unheld");
}

export interface AddedCredential {
  readonly person: string;
  readonly credential: CredentialBody;
}

export function credentialsOf({ kind, body }: Statement): readonly AddedCredential[] {
  if (kind === "credential.add") {
    const { person, ...credential } = body;
    return [{ person, credential }];
  }
  if (kind !== "person.add") return [];
  return (body.credentials ?? []).map((credential) => ({ person: body.id, credential }));
}

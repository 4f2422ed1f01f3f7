/** One more statement on a chain: its author's knowledge, its approvals, what it does, and what it must not do. */
import type { Digest } from "../signing.ts";
import { judgeApprovals } from "./approvals.ts";
import type { TrustRefusal } from "./refusals.ts";
import {
  heldRevocations,
  largestPeople,
  revokedDigest,
  revokedIds,
  usableAdministrators,
  without,
  type Authority,
  type ChainState,
  type HeldRevocation,
  type TrustState,
} from "./state.ts";
import type { ChainStatement, SignedStatement, Statement } from "./statements.ts";
import { transition } from "./transitions.ts";

/** A statement that was read, with its name and its touches. */
export interface Stated<S extends Statement> {
  readonly statement: S;
  readonly hash: Digest;
  readonly signed: SignedStatement;
}

/** A chain with one more statement, or why not. `state` brings the revocations held. */
export async function extendChain(
  state: TrustState,
  chain: ChainState,
  stated: Stated<ChainStatement>,
): Promise<ChainState | TrustRefusal> {
  const { statement, hash, signed } = stated;
  if (statement.at < chain.at) return "time";
  const knew = knownRevocations(state, chain, signed.knew ?? []);
  if (knew === undefined || revokedDigest(knew.keys()) !== statement.revoked) return "revocations";
  const authority = without(chain, revokedIds([...knew.values()].map(({ revocation }) => revocation)));
  const approvers = await judgeApprovals(authority, stated, state.workspace);
  if (typeof approvers === "string") return approvers;
  const approvedBy = [...new Set(approvers.map(({ person }) => person))];
  const changes = transition({ chain, authority, hash, at: statement.at, approvedBy }, statement);
  if (typeof changes === "string") return changes;
  const next: ChainState = {
    ...chain,
    ...changes,
    n: chain.n + 1,
    hash,
    at: statement.at,
    knew: new Set(knew.keys()),
    approvers,
    previous: chain,
  };
  return lint(without(next, revokedIds([...knew.values()].map(({ revocation }) => revocation)))) ?? next;
}

/** The revocations that a statement says it knew: its predecessor's and those it names. Undefined: not all are held. */
function knownRevocations(
  state: TrustState,
  chain: ChainState,
  added: readonly Digest[],
): ReadonlyMap<Digest, HeldRevocation> | undefined {
  const revocations = heldRevocations(state);
  const known = new Map<Digest, HeldRevocation>();
  for (const digest of [...chain.knew, ...added]) {
    const held = revocations.get(digest);
    if (held === undefined) return undefined;
    known.set(digest, held);
  }
  return known;
}

/** A workspace that nobody, or too few, can administer is lost for ever; no statement may lead there. */
export function lint(authority: Authority): TrustRefusal | undefined {
  const able = usableAdministrators(authority).length;
  if (able === 0) return "last_admin";
  return able < largestPeople(authority) ? "too_few_admins" : undefined;
}

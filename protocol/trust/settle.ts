/**
 * What a chain and the revocations held beside it add up to. The same chain and the same revocations give the same
 * state, in whatever order they came.
 */
import type { Digest } from "../signing.ts";
import {
  chainAt,
  killsApprover,
  NO_REVOCATIONS,
  revokedDigest,
  revokedIds,
  without,
  type ChainState,
  type Freeze,
  type HeldRevocation,
  type TrustState,
} from "./state.ts";

type Held = ReadonlyMap<Digest, HeldRevocation>;

/** The state once the chain or the revocations of `state` have changed. */
export function settle(state: TrustState, chain: ChainState): TrustState {
  const revocations = new Map([...state.revocations].filter(([, one]) => !isDisowned(state.revocations, chain, one)));
  const next = effectiveState(state.workspace, chain, revocations);
  const frozen = stillForked(state, chain) ?? revokedAuthor(chain, revocations);
  if (frozen === undefined) return next;
  return frozen.reason === "fork" && state.other !== undefined
    ? { ...next, frozen, other: state.other }
    : { ...next, frozen };
}

export function effectiveState(workspace: Digest, chain: ChainState, revocations: Held): TrustState {
  const revoked = revocations.size === 0 ? NO_REVOCATIONS : revokedDigest(revocations.keys());
  return {
    ...without(chain, revokedIds([...revocations.values()].map(({ revocation }) => revocation))),
    workspace,
    head: { n: chain.n, hash: chain.hash, revoked },
    chain,
    revocations,
  };
}

/** The chain knew the revocation's author revoked, and did not know the revocation: it came too late to count. */
export function isDisowned(
  revocations: Held,
  { knew }: ChainState,
  { digest, approver }: Pick<HeldRevocation, "digest" | "approver">,
): boolean {
  if (knew.has(digest)) return false;
  const known = [...knew].flatMap((one) => revocations.get(one)?.revocation ?? []);
  return killsApprover(revokedIds(known), approver);
}

function stillForked({ frozen }: TrustState, chain: ChainState): Freeze | undefined {
  if (frozen?.reason !== "fork") return undefined;
  const holds = chainAt(chain, frozen.place)?.hash === frozen.mine;
  return holds && !chain.kept.has(frozen.mine) ? frozen : undefined;
}

/**
 * The first statement approved by somebody whom a revocation names that was signed before that statement was known to
 * its author: a revoked person who went on, or a revocation held back. No later statement vouches for it.
 */
function revokedAuthor(head: ChainState, revocations: Held): Freeze | undefined {
  const unknown = [...revocations.values()].filter(({ digest }) => !head.knew.has(digest));
  let found: Freeze | undefined;
  for (let place: ChainState | undefined = head; place !== undefined && unknown.length > 0; place = place.previous) {
    const { n, hash, approvers } = place;
    const earlier = unknown.filter(({ revocation }) => revocation.prev.n < n);
    if (earlier.length === 0) break;
    const against = earlier.find((one) =>
      approvers.some((approver) => killsApprover(revokedIds([one.revocation]), approver)),
    );
    if (against !== undefined && !head.kept.has(hash))
      found = { reason: "revoked_author", place: n, mine: hash, other: against.digest };
  }
  return found;
}

/**
 * What a chain and the revocations held beside it add up to. The same chain and the same revocations give the same
 * state, in whatever order they came.
 */
import type { Digest } from "../signing.ts";
import { forkOf, isDropped, secondsOf } from "./aside.ts";
import {
  chainAt,
  heldRevocations,
  isDisowned,
  killsApprover,
  NO_REVOCATIONS,
  revokedDigest,
  revokedIds,
  without,
  type ChainState,
  type Freeze,
  type Held,
  type HeldRevocation,
  type TrustState,
} from "./state.ts";

/** The state once the chain or the revocations of `state` have changed. */
export function settle(state: TrustState, chain: ChainState): TrustState {
  const held = heldRevocations(state);
  const accusations = accusationsOf(chain, held);
  const counting = new Map([...held].filter(([, one]) => !isDisowned(held, chain, one)));
  const late = [...held].filter(([digest]) => !counting.has(digest));
  // Disowned by a history that it puts in doubt: it revokes nobody there, and still accuses.
  const disputed = new Map(late.filter(([, one]) => accusations.has(one)));
  const disowned = new Map(late.filter(([, one]) => !accusations.has(one)));
  const next = effectiveState(state.workspace, chain, counting);
  const seconds = secondsOf(state, chain);
  const forking = seconds.find((one) => !isDropped(chain, one, held));
  const aside = new Map(seconds.filter((one) => one !== forking).map(({ history }) => [history.hash, history]));
  const frozen = forking === undefined ? earliest([...accusations.values()]) : forkOf(chain, forking);
  return {
    ...next,
    ...(disputed.size === 0 ? {} : { disputed }),
    ...(disowned.size === 0 ? {} : { disowned }),
    ...(frozen === undefined ? {} : { frozen }),
    ...(forking === undefined ? {} : { other: forking.history }),
    ...(aside.size === 0 ? {} : { aside }),
  };
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

/** Every revocation that accuses a statement of this chain, with the first that it accuses. */
function accusationsOf(head: ChainState, held: Held): ReadonlyMap<HeldRevocation, Freeze> {
  const found = new Map<HeldRevocation, Freeze>();
  for (const one of held.values()) {
    const freeze = accusation(head, held, one);
    if (freeze !== undefined) found.set(one, freeze);
  }
  return found;
}

/**
 * The first statement approved by somebody whom a revocation names that was signed before it: a revoked person who went
 * on, or a revocation held back. Only what came *before* that statement can speak against the accusation: a history
 * that is in doubt cannot acquit itself, by whatever it says, knows or revokes afterwards.
 */
function accusation(head: ChainState, held: Held, one: HeldRevocation): Freeze | undefined {
  const ids = revokedIds([one.revocation]);
  for (const place of placesAfter(head, one.revocation.prev.n)) {
    if (place.knew.has(one.digest) || isDisowned(held, place.previous ?? place, one)) return undefined;
    const isNamed = place.approvers.some((approver) => killsApprover(ids, approver));
    if (isNamed && !isKept({ head, held }, place, one.digest))
      return { reason: "revoked_author", place: place.n, mine: place.hash, other: one.digest };
  }
  return undefined;
}

/** Oldest first. */
function placesAfter(head: ChainState, n: number): readonly ChainState[] {
  const places: ChainState[] = [];
  for (let place: ChainState | undefined = head; place !== undefined && place.n > n; place = place.previous)
    places.push(place);
  return places.toReversed();
}

interface Log {
  readonly head: ChainState;
  readonly held: Held;
}

/**
 * A later `fork.resolve`, whose author knew the revocation, kept it or something that it follows; and nobody accuses
 * that resolution in turn.
 */
function isKept(log: Log, accused: ChainState, revocation: Digest): boolean {
  for (let place: ChainState | undefined = accused; place !== undefined; place = place.previous) {
    const resolution = chainAt(log.head, log.head.kept.get(place.hash) ?? 0);
    if (resolution === undefined || resolution.n <= accused.n || !resolution.knew.has(revocation)) continue;
    if (!isAccused(log, resolution)) return true;
  }
  return false;
}

/** Later resolutions only are asked about an earlier one, so this ends. */
function isAccused(log: Log, resolution: ChainState): boolean {
  return [...log.held.values()].some((one) => {
    const { prev } = one.revocation;
    if (prev.n >= resolution.n || resolution.knew.has(one.digest)) return false;
    const ids = revokedIds([one.revocation]);
    if (!resolution.approvers.some((approver) => killsApprover(ids, approver))) return false;
    const isLate = isDisowned(log.held, resolution.previous ?? resolution, one);
    return !isLate && !isKept(log, resolution, one.digest);
  });
}

/** The same for everybody: the first place, and of several accusations of one place the one with the smallest digest. */
function earliest(freezes: readonly Freeze[]): Freeze | undefined {
  return freezes.toSorted((a, b) => a.place - b.place || (a.other < b.other ? -1 : 1))[0];
}

/**
 * Second histories of a host: the one that freezes it, and those that its own history dropped. A dropped one is kept,
 * because whoever dropped it must have been able to in it as well: what comes of it later, above all a revocation, can
 * still speak against them. May not: change a state.
 */
import type { Digest } from "../signing.ts";
import { statementPermissions } from "./approvals.ts";
import {
  chainAt,
  countPeople,
  hasPermission,
  largestPeople,
  revokedIds,
  without,
  type Authority,
  type ChainState,
  type Freeze,
  type HeldRevocation,
  type TrustState,
} from "./state.ts";

interface Second {
  /** Its first statement that is not ours. */
  readonly first: ChainState;
  readonly history: ChainState;
}

/**
 * Every second history beside this chain: whichever parts from it earliest comes first, the same for everybody. Of
 * several that part alike, the one that already freezes stays in front: whoever resolves it stands on it.
 */
export function secondsOf({ other, aside }: TrustState, chain: ChainState): readonly Second[] {
  return [...(other === undefined ? [] : [other]), ...(aside?.values() ?? [])]
    .flatMap((history) => secondOf(chain, history) ?? [])
    .toSorted((a, b) => a.first.n - b.first.n || compare(a.first.hash, b.first.hash));
}

function compare(a: Digest, b: Digest): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function secondOf(chain: ChainState, history: ChainState): Second | undefined {
  let first: ChainState | undefined;
  for (let place: ChainState | undefined = history; place !== undefined; place = place.previous) {
    if (chainAt(chain, place.n)?.hash === place.hash) break;
    first = place;
  }
  return first === undefined ? undefined : { first, history };
}

export function forkOf(chain: ChainState, { first }: Second): Freeze | undefined {
  const mine = chainAt(chain, first.n)?.hash;
  return mine === undefined ? undefined : { reason: "fork", place: first.n, mine, other: first.hash };
}

/**
 * Whether the resolution that dropped it holds against all that is held of it now: its people could resolve before the
 * two parted, in ours and in that one, each without whom a revocation names that was not signed after the resolution.
 */
export function isDropped(chain: ChainState, { first, history }: Second, held: Iterable<HeldRevocation>): boolean {
  const resolution = chainAt(chain, chain.dropped.get(first.hash) ?? -1);
  if (resolution === undefined) return false;
  const isLater = ({ revocation: { prev } }: HeldRevocation): boolean =>
    prev.n >= resolution.n && chainAt(chain, prev.n)?.hash === prev.hash;
  const ids = revokedIds([...held].filter((one) => !isLater(one)).map(({ revocation }) => revocation));
  const grounds = [first.previous, resolution.previous, history];
  return grounds.every((ground) => ground === undefined || couldResolve(without(ground, ids), resolution));
}

/** Its touches were verified when it was taken; asked here is only what those people may. */
function couldResolve(ground: Authority, { approvers, at }: ChainState): boolean {
  const may = approvers.every(
    ({ person, credential, origin }) =>
      ground.credentials.get(credential)?.person === person &&
      ground.origins.some((listed) => listed.origin === origin) &&
      hasPermission(ground, person, { permission: statementPermissions["fork.resolve"], now: at }),
  );
  const people = approvers.map(({ person }) => person);
  return may && countPeople(ground, people, at) >= largestPeople(ground);
}

/**
 * Second histories of a host: the one that freezes it, and all others that it holds. None is ever forgotten, dropped or
 * not: whoever dropped one must have been able to in it as well, and what comes of it later, above all a revocation, can
 * still speak against them. May not: change a state.
 */
import type { Digest } from "../signing.ts";
import { statementPermissions } from "./approvals.ts";
import {
  chainAt,
  countPeople,
  hasPermission,
  isDisowned,
  largestPeople,
  revokedIds,
  without,
  type Authority,
  type ChainState,
  type Freeze,
  type Held,
  type HeldRevocation,
  type TrustState,
} from "./state.ts";

export interface Second {
  /** Its first statement that is not ours. */
  readonly first: ChainState;
  readonly history: ChainState;
}

/** Every second history that is held, by its last statement. The one that freezes stays in front: whoever resolves it stands on it. */
export function heldSeconds({ other, aside }: TrustState): readonly ChainState[] {
  return [...(other === undefined ? [] : [other]), ...(aside?.values() ?? [])];
}

/** Those that are not ours: whichever parts from this chain earliest comes first, the same for everybody. */
export function secondsOf(state: TrustState, chain: ChainState): readonly Second[] {
  return heldSeconds(state)
    .flatMap((history) => secondOf(chain, history) ?? [])
    .toSorted((a, b) => a.first.n - b.first.n || compare(a.first.hash, b.first.hash));
}

function compare(a: Digest, b: Digest): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function secondOf(chain: ChainState, history: ChainState): Second | undefined {
  let first: ChainState | undefined;
  for (let place: ChainState | undefined = history; place !== undefined; place = place.previous) {
    if (chainAt(chain, place.n)?.hash === place.hash) break;
    first = place;
  }
  return first === undefined ? undefined : { first, history };
}

export function forkOf(chain: ChainState, { first }: Second): Freeze {
  // A second history parts at a place of ours, never after our end.
  const mine = chainAt(chain, first.n) ?? chain;
  return { reason: "fork", place: first.n, mine: mine.hash, other: first.hash };
}

/**
 * Whether a resolution that dropped it holds against all that is held now: its people could resolve before the two parted,
 * at every place of ours since, and at every one of that history, each time without whom a revocation names.
 */
export function isDropped(chain: ChainState, second: Second, held: Held): boolean {
  const { hash, n } = second.first;
  return placesSince(chain, n).some((one) => one.dropped.get(hash) === one.n && holds(one, { chain, second, held }));
}

interface Question {
  readonly chain: ChainState;
  readonly second: Second;
  readonly held: Held;
}

function holds(resolution: ChainState, question: Question): boolean {
  const { first, history } = question.second;
  const against = [...question.held.values()].filter((one) => speaksAgainst(resolution, one, question));
  const ids = revokedIds(against.map(({ revocation }) => revocation));
  const grounds = [...placesSince(resolution.previous, first.n - 1), ...placesSince(history, first.n)];
  return grounds.every((ground) => {
    // Never earlier than what it is asked of: whose grant has ended in the other history would otherwise drop it by dating back.
    const asked = { ...resolution, at: Math.max(resolution.at, ground.at) };
    // And with everybody there: whose grant has ended would otherwise revoke all others, and be the last, whose grant counts.
    return couldResolve(ground, asked) && couldResolve(without(ground, ids), asked);
  });
}

/** All that are held, but those of people of ours afterwards, and those that both histories disown since before they parted. */
function speaksAgainst(resolution: ChainState, one: HeldRevocation, { chain, second, held }: Question): boolean {
  const { prev } = one.revocation;
  if (prev.n >= resolution.n && chainAt(chain, prev.n)?.hash === prev.hash) return false;
  const { first, history } = second;
  if ([chain, history].some(({ knew }) => knew.has(one.digest))) return true;
  return !isDisowned(held, first.previous ?? first, one);
}

function placesSince(last: ChainState | undefined, n: number): readonly ChainState[] {
  const places: ChainState[] = [];
  for (let place = last; place !== undefined && place.n >= n; place = place.previous) places.push(place);
  return places;
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

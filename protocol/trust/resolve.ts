/**
 * Who may end a freeze. Whoever is accused could otherwise acquit themselves, or let somebody do it whom they have just
 * added: so `fork.resolve` is approved by people who may in every history at hand and could already before they parted,
 * each without anybody whom a held revocation names. May not: change a state.
 */
import type { Digest } from "../signing.ts";
import { judgeApprovals, type Approved } from "./approvals.ts";
import { extendChain, type Stated } from "./extend.ts";
import type { TrustRefusal } from "./refusals.ts";
import {
  chainAt,
  heldRevocations,
  revokedIds,
  without,
  type Authority,
  type ChainState,
  type TrustState,
} from "./state.ts";
import type { BodyOf, ChainStatement } from "./statements.ts";

/**
 * A history with one more statement, or why not. A resolution that does not count is history too: somebody who knew less
 * took it, and what follows stands on it. It keeps nothing then; what it drops is asked whenever the state is settled.
 */
export async function lengthen(
  state: TrustState,
  chain: ChainState,
  stated: Stated<ChainStatement>,
): Promise<ChainState | TrustRefusal> {
  const { statement } = stated;
  const longer = await extendChain(state, chain, stated);
  if (typeof longer === "string" || statement.kind !== "fork.resolve") return longer;
  const { keep } = statement.body;
  // Before the root there was nobody who could have approved anything.
  const keepsNothing =
    keep === state.workspace || (await judgeKeeping(state, longer, { ...stated, keep })) !== undefined;
  return keepsNothing ? { ...longer, kept: chain.kept } : longer;
}

/**
 * Why a resolution keeps nothing of our own history: its people could not have approved it before what they keep, and at
 * every place since, with everybody and without whom it says they knew revoked. The same for everybody, whatever else they hold; that nobody
 * accuses the resolution itself is asked whenever the state is settled.
 */
async function judgeKeeping(
  state: TrustState,
  chain: ChainState,
  resolution: Approved & { readonly keep: Digest },
): Promise<TrustRefusal | undefined> {
  const known = [...chain.knew].flatMap((one) => heldRevocations(state).get(one)?.revocation ?? []);
  for (const place of placesOfDoubt(chain, resolution.keep)) {
    // With everybody, too: whose grant has ended would otherwise revoke all others, and be the last, whose grant counts.
    for (const authority of [place, without(place, revokedIds(known))]) {
      const approvers = await judgeApprovals(authority, resolution, state.workspace);
      if (typeof approvers === "string") return approvers;
    }
  }
  return undefined;
}

/** From before the statement that is kept up to the resolution; none when it is not of this history. */
function placesOfDoubt(chain: ChainState, keep: Digest): readonly ChainState[] {
  const places: ChainState[] = [];
  for (let place = chain.previous; place !== undefined; place = place.previous) {
    places.push(place);
    if (place.hash === keep) return place.previous === undefined ? places : [...places, place.previous];
  }
  return [];
}

/** Why a resolution does not end the freeze at hand by keeping our own history. */
export async function judgeThaw(
  state: TrustState,
  { keep, drop }: BodyOf<"fork.resolve">,
  resolution: Approved,
): Promise<TrustRefusal | undefined> {
  const { frozen } = state;
  // Somebody who never saw the other history takes it that there was one.
  if (frozen === undefined) return undefined;
  const fits = frozen.mine === keep && (frozen.reason === "revoked_author" || frozen.other === drop);
  return fits ? judgeResolution(state, resolution) : "fork";
}

/** Why these people may not resolve, or undefined. */
async function judgeResolution(state: TrustState, resolution: Approved): Promise<TrustRefusal | undefined> {
  for (const ground of groundsOf(state)) {
    const approvers = await judgeApprovals(ground, resolution, state.workspace);
    if (typeof approvers === "string") return approvers;
  }
  return undefined;
}

function groundsOf(state: TrustState): readonly Authority[] {
  const { frozen, chain, other } = state;
  if (frozen === undefined) return [];
  const ids = revokedIds([...heldRevocations(state).values()].map(({ revocation }) => revocation));
  const before = chainAt(chain, frozen.place - 1);
  const histories = [before, chain, frozen.reason === "fork" ? other : undefined];
  return histories.flatMap((history) => (history === undefined ? [] : [without(history, ids)]));
}

/**
 * Who may end a freeze. Whoever is accused could otherwise acquit themselves, or let somebody do it whom they have just
 * added: so `fork.resolve` is approved by people who may in every history at hand and could already before they parted,
 * each without anybody whom a held revocation names. May not: change a state.
 */
import { judgeApprovals, type Approved } from "./approvals.ts";
import type { TrustRefusal } from "./refusals.ts";
import { chainAt, heldRevocations, revokedIds, without, type Authority, type TrustState } from "./state.ts";
import type { BodyOf } from "./statements.ts";

/** Whether it is about the freeze at hand, keeping our own history. */
export function resolves({ frozen }: TrustState, { keep, drop }: BodyOf<"fork.resolve">): boolean {
  // Somebody who never saw the other history takes it that there was one.
  if (frozen === undefined) return true;
  return frozen.mine === keep && (frozen.reason === "revoked_author" || frozen.other === drop);
}

/** Why these people may not resolve, or undefined. */
export async function judgeResolution(state: TrustState, resolution: Approved): Promise<TrustRefusal | undefined> {
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

/**
 * What a host does with a statement that does not follow its own history. It holds every valid one, dropped or not,
 * frozen or not: a place in memory that a hostile edge could fill first would be a place to hide what speaks against it.
 * A second history that nobody entitled dropped freezes everything but revocations; `fork.resolve` ends it. The edge and
 * the browser do not ask here: for them a statement in a taken place is merely late.
 */
import { fromBase64url } from "../bytes.ts";
import { digestOf } from "../signing.ts";
import { applyAsWitness, type TrustResult } from "./apply.ts";
import { heldSeconds, isDropped, secondOf } from "./aside.ts";
import type { TrustRefusal } from "./refusals.ts";
import { lengthen } from "./resolve.ts";
import { settle } from "./settle.ts";
import { chainAt, heldRevocations, type ChainState, type TrustState } from "./state.ts";
import { isRevocation, statementCodec, type SignedStatement } from "./statements.ts";

const refuse = (code: TrustRefusal): TrustResult => ({ ok: false, code });

/** Like `applyAsWitness`, and a second history is remembered instead of ignored. */
export async function applyOrFork(state: TrustState, signed: SignedStatement): Promise<TrustResult> {
  const result = await applyAsWitness(state, signed);
  if (result.ok || result.code !== "place") return result;
  const bytes = fromBase64url(signed.statement);
  const statement = statementCodec.decode(bytes); // it was read before it was refused for its place
  if (isRevocation(statement)) return result;
  const { prev } = statement;
  const hash = digestOf("statement", bytes);
  const histories = [state.chain, ...heldSeconds(state)];
  if (histories.some((one) => chainAt(one, prev.n + 1)?.hash === hash)) return { ok: true, state };
  const base = histories.map((one) => chainAt(one, prev.n)).find((place) => place?.hash === prev.hash);
  if (base === undefined) return refuse("place");
  const longer = await lengthen(state, base, { statement, hash, signed });
  // Late, and not even valid there; the next of the history that freezes us is not late.
  if (typeof longer === "string") return refuse(base === state.other ? longer : "place");
  return { ok: true, state: hold(state, longer) };
}

function hold(state: TrustState, longer: ChainState): TrustState {
  const { frozen: _frozen, other, ...rest } = state;
  const aside = new Map(state.aside);
  // Another branch of the same history is kept whole beside it.
  if (longer.previous !== undefined) aside.delete(longer.previous.hash);
  const isNext = other !== undefined && longer.previous?.hash === other.hash;
  if (!takesOver(state, longer))
    return isNext
      ? settle({ ...rest, aside, other: longer }, state.chain)
      : settle({ ...state, aside: aside.set(longer.hash, longer) }, state.chain);
  if (other !== undefined && !isNext) aside.set(other.hash, other);
  return settle({ ...rest, aside: aside.set(state.chain.hash, state.chain) }, longer);
}

/**
 * Whether the other history becomes ours: it ends with a resolution that drops ours and holds. Nothing else speaks for
 * a resolution that takes the place of what it drops, so that one counts against somebody's who was revoked, and no other.
 */
function takesOver(state: TrustState, longer: ChainState): boolean {
  const { chain, frozen } = state;
  const [ours, theirs] = [secondOf(longer, chain), secondOf(chain, longer)];
  if (ours === undefined || theirs === undefined || longer.dropped.get(ours.first.hash) !== longer.n) return false;
  if (theirs.first === longer && !(frozen?.reason === "revoked_author" && frozen.place === longer.n)) return false;
  const held = heldRevocations(state);
  return !isDropped(chain, theirs, held) && isDropped(longer, ours, held);
}

/**
 * What a host does with a statement that does not follow its own history. A valid second statement for one place
 * freezes everything but revocations; `fork.resolve`, by people who may in both histories, ends it. The edge and the
 * browser do not ask here: for them a statement in a taken place is merely late.
 */
import { fromBase64url } from "../bytes.ts";
import { digestOf } from "../signing.ts";
import { applyAsWitness, type TrustResult } from "./apply.ts";
import { extendChain, type Stated } from "./extend.ts";
import type { TrustRefusal } from "./refusals.ts";
import { judgeResolution, withoutEffect } from "./resolve.ts";
import { settle } from "./settle.ts";
import { chainAt, type ChainState, type TrustState } from "./state.ts";
import { isRevocation, statementCodec, type ChainStatement, type SignedStatement } from "./statements.ts";

const refuse = (code: TrustRefusal): TrustResult => ({ ok: false, code });

/** Like `applyAsWitness`, and a second history is remembered instead of ignored. */
export async function applyOrFork(state: TrustState, signed: SignedStatement): Promise<TrustResult> {
  const result = await applyAsWitness(state, signed);
  if (result.ok || result.code !== "place") return result;
  const bytes = fromBase64url(signed.statement);
  const statement = statementCodec.decode(bytes); // it was read before it was refused for its place
  if (isRevocation(statement)) return result;
  const stated = { statement, hash: digestOf("statement", bytes), signed };
  const { prev } = statement;
  if (isHeld(state, stated)) return { ok: true, state };
  if (state.other !== undefined && chainAt(state.other, prev.n)?.hash === prev.hash && prev.n >= placeOfFork(state))
    return followOther(state, state.other, stated);
  const base = chainAt(state.chain, prev.n);
  return base?.hash === prev.hash ? beginOther(state, base, stated) : followAside(state, stated);
}

/** In ours, or in one that ours dropped. */
function isHeld({ chain, aside }: TrustState, { statement: { prev }, hash }: Stated<ChainStatement>): boolean {
  return [chain, ...(aside?.values() ?? [])].some((one) => chainAt(one, prev.n + 1)?.hash === hash);
}

function placeOfFork({ frozen }: TrustState): number {
  return frozen?.place ?? Number.POSITIVE_INFINITY;
}

/** A second statement after `base`. */
async function beginOther(state: TrustState, base: ChainState, stated: Stated<ChainStatement>): Promise<TrustResult> {
  const mine = chainAt(state.chain, base.n + 1);
  if (mine === undefined) return refuse("place");
  const other = await extendChain(state, base, stated);
  if (typeof other === "string") return refuse("place"); // late, and not even valid there
  if (await endsFreeze(state, stated, mine)) return { ok: true, state: settle(leaving(state), other) };
  if (state.chain.dropped.has(other.hash)) return { ok: true, state: putAside(state, other) };
  if (state.frozen !== undefined) return state.frozen.other === other.hash ? { ok: true, state } : refuse("frozen");
  const frozen = { reason: "fork", place: base.n + 1, mine: mine.hash, other: other.hash } as const;
  return { ok: true, state: { ...state, frozen, other } };
}

/** The next statement of the other history, or one of it that is held already. */
async function followOther(state: TrustState, other: ChainState, stated: Stated<ChainStatement>): Promise<TrustResult> {
  const { prev } = stated.statement;
  const isHeld = chainAt(other, prev.n + 1)?.hash === stated.hash;
  if (isHeld) return { ok: true, state };
  if (prev.n !== other.n || prev.hash !== other.hash) return refuse("frozen");
  const longer = await extendChain(state, other, stated);
  if (typeof longer === "string") return refuse(longer);
  const { frozen } = state;
  const isOurs = frozen !== undefined && isResolution(stated, { keep: frozen.other, drop: frozen.mine });
  if (isOurs && (await judgeResolution(state, stated)) === undefined)
    return { ok: true, state: settle(leaving(state), longer) };
  return {
    ok: true,
    state: { ...state, other: stated.statement.kind === "fork.resolve" ? withoutEffect(longer) : longer },
  };
}

/**
 * More of a history that ours dropped: it may show that whoever dropped it could not. One that forks in turn is kept
 * whole, or whoever dropped it could hide what speaks against them behind a statement of their own.
 */
async function followAside(state: TrustState, stated: Stated<ChainStatement>): Promise<TrustResult> {
  const { prev } = stated.statement;
  const places = [...(state.aside?.values() ?? [])].map((one) => chainAt(one, prev.n));
  const place = places.find((one) => one?.hash === prev.hash);
  if (place === undefined) return refuse("place");
  const longer = await extendChain(state, place, stated);
  if (typeof longer === "string") return refuse("place");
  return {
    ok: true,
    state: putAside(state, stated.statement.kind === "fork.resolve" ? withoutEffect(longer) : longer),
  };
}

function putAside(state: TrustState, history: ChainState): TrustState {
  const aside = new Map(state.aside);
  if (history.previous !== undefined) aside.delete(history.previous.hash);
  return settle({ ...state, aside: aside.set(history.hash, history) }, state.chain);
}

/** Written over a statement of somebody revoked: it takes that statement's own place. */
async function endsFreeze(state: TrustState, stated: Stated<ChainStatement>, mine: ChainState): Promise<boolean> {
  const { frozen } = state;
  if (frozen?.reason !== "revoked_author" || frozen.place !== mine.n) return false;
  const keep = mine.previous?.hash;
  if (keep === undefined || !isResolution(stated, { keep, drop: mine.hash })) return false;
  return (await judgeResolution(state, stated)) === undefined;
}

function isResolution(
  { statement }: Stated<ChainStatement>,
  wanted: { readonly keep: string; readonly drop: string },
): boolean {
  return (
    statement.kind === "fork.resolve" && statement.body.keep === wanted.keep && statement.body.drop === wanted.drop
  );
}

/** Ours is the one that is dropped. */
function leaving({ frozen: _frozen, other: _other, ...state }: TrustState): TrustState {
  return { ...state, aside: new Map(state.aside).set(state.chain.hash, state.chain) };
}

/**
 * What the verified trust log said earlier: whom a signature belonged to when it was made. People leave, passkeys are
 * revoked, hosts are removed, keys are replaced, and what was signed before still verifies.
 */
import type { TrustHead } from "../fields.ts";
import { effectiveState } from "../trust/settle.ts";
import { chainAt, revokedDigest, type ChainState, type HeldRevocation, type TrustState } from "../trust/state.ts";
import type { HostBody } from "../trust/statements.ts";

/** Every host that was ever admitted, as it was admitted last. Ids are never used twice. */
export function hostsEverAdmitted(state: TrustState): ReadonlyMap<string, HostBody> {
  const hosts = new Map(state.hosts);
  for (const place of placesOf(state)) for (const [id, body] of place.hosts) if (!hosts.has(id)) hosts.set(id, body);
  return hosts;
}

/** Every ledger key that the trust log ever named; the present one first. */
export function ledgerKeysEver(state: TrustState): readonly string[] {
  const keys = new Set([state.ledgerKey]);
  for (const { ledgerKey } of placesOf(state)) keys.add(ledgerKey);
  return [...keys];
}

/** The same of the dispatch key. */
export function dispatchKeysEver(state: TrustState): readonly string[] {
  const keys = new Set([state.dispatchKey]);
  for (const { dispatchKey } of placesOf(state)) keys.add(dispatchKey);
  return [...keys];
}

/** The state that a signed head names, with the revocations that it knew; undefined for a head that this log never had. */
export function stateAtHead(state: TrustState, head: TrustHead): TrustState | undefined {
  const place = chainAt(state.chain, head.n);
  if (place === undefined || place.hash !== head.hash) return undefined;
  const known = revocationsOf(state, head);
  return { ...effectiveState(state.workspace, place, known ?? new Map()), head };
}

/** Those that were there when the head was named: the first so many. Undefined where this log holds them in another order. */
function revocationsOf({ revocations }: TrustState, { revoked }: TrustHead): TrustState["revocations"] | undefined {
  const known = new Map<string, HeldRevocation>();
  if (revokedDigest([]) === revoked) return known;
  for (const [digest, held] of revocations) {
    known.set(digest, held);
    if (revokedDigest(known.keys()) === revoked) return known;
  }
  return undefined;
}

/** From the newest to the root. */
function* placesOf({ chain }: TrustState): Iterable<ChainState> {
  let place: ChainState | undefined = chain;
  while (place !== undefined) {
    yield place;
    place = place.previous;
  }
}

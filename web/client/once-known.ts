/**
 * What the verified trust log said earlier: whom a signature belonged to when it was made. People leave, passkeys are
 * revoked, hosts are removed, and what they signed before still verifies.
 */
import type { TrustHead } from "../../protocol/fields.ts";
import { chainAt, type ChainState, type TrustState } from "../../protocol/trust/state.ts";
import type { HostBody } from "../../protocol/trust/statements.ts";

/** A host as it was admitted. One that was removed stays known: ids are never used twice. */
export function hostEverAdmitted(state: TrustState, id: string): HostBody | undefined {
  const now = state.hosts.get(id);
  if (now !== undefined || !state.removedHosts.has(id)) return now;
  let place: ChainState | undefined = state.chain;
  while (place !== undefined) {
    const then = place.hosts.get(id);
    if (then !== undefined) return then;
    place = place.previous;
  }
  return undefined;
}

/** The state that a signed head names, as if nobody had been revoked since; the present one for an unknown head. */
export function stateAt(state: TrustState, { n, hash }: TrustHead): TrustState {
  const place = chainAt(state.chain, n);
  if (place === undefined || place.hash !== hash) return state;
  const { people, credentials, hosts, removedHosts, roles, origins, automationKeys, policies } = place;
  const held = { people, credentials, hosts, removedHosts, roles, origins, automationKeys, policies };
  return { ...state, ...held, dispatchKey: place.dispatchKey, ledgerKey: place.ledgerKey };
}

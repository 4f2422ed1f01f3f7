/**
 * What the verified trust log said earlier: whom a signature belonged to when it was made. People leave, passkeys are
 * revoked, hosts are removed, keys are replaced, and what was signed before still verifies.
 */
import type { TrustHead } from "../fields.ts";
import { chainAt, type ChainState, type TrustState } from "../trust/state.ts";
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

/** The state that a signed head names, as if nobody had been revoked since; undefined for a head that it never had. */
export function stateAtHead(state: TrustState, { n, hash }: TrustHead): TrustState | undefined {
  const place = chainAt(state.chain, n);
  if (place === undefined || place.hash !== hash) return undefined;
  const { people, credentials, hosts, removedHosts, roles, origins, automationKeys, policies } = place;
  const held = { people, credentials, hosts, removedHosts, roles, origins, automationKeys, policies };
  return { ...state, ...held, dispatchKey: place.dispatchKey, ledgerKey: place.ledgerKey };
}

/** From the newest to the root. */
function* placesOf({ chain }: TrustState): Iterable<ChainState> {
  let place: ChainState | undefined = chain;
  while (place !== undefined) {
    yield place;
    place = place.previous;
  }
}

/**
 * What the trust log says of this host. Its entry must name both of our keys: an entry with another cosignature key is
 * no admission of ours, whoever signed it, because a stranger could witness in our name. Decides nothing else.
 */
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { HostKeys } from "./keys.ts";

/** `foreign-key`: admitted under our id, with a cosignature key that is not ours. */
export type Admission = "none" | "admitted" | "foreign-key";

export function admissionOf(state: TrustState | undefined, keys: HostKeys): Admission {
  const entry = state?.hosts.get(keys.host);
  if (entry === undefined) return "none";
  const isOurs = entry.hostKey === keys.hostKey.publicKey && entry.cosignKey === keys.cosignKey.publicKey;
  return isOurs ? "admitted" : "foreign-key";
}

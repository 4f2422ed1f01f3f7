/**
 * What the warden may do about client certificates: see which is in use, have a key made, hand over the pair that it got a
 * certificate for. The files and the dialling stay the link's.
 */
import { makeCertificateRequest } from "./link/certificate-request.ts";
import type { TlsPairs } from "./link/tls-pairs.ts";
import type { CertificateKeeper } from "./warden/renewal.ts";

/** `redial`: there is a newer pair to dial with. */
export function keeperOf(pairs: TlsPairs, redial: () => void): CertificateKeeper {
  return {
    inUse: () => pairs.inUse,
    makeRequest: makeCertificateRequest,
    keep: (pair) => {
      pairs.keep(pair);
      redial();
    },
    retry: () => {
      const isThere = pairs.retry();
      if (isThere) redial();
      return isThere;
    },
  };
}

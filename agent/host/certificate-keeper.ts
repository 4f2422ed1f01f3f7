/**
 * What the warden may do about client certificates: see which is in use, have a key made, hand over the certificate that it
 * got for one. Keys, files and the dialling stay the link's.
 */
import { makeCertificateRequest } from "./link/certificate-request.ts";
import type { TlsPairs } from "./link/tls-pairs.ts";
import type { CertificateKeeper } from "./warden/renewal.ts";

type Pairs = Pick<TlsPairs, "keep" | "retry"> & { readonly inUse: ReturnType<CertificateKeeper["inUse"]> };

/** `redial`: there is a newer pair to dial with. */
export function keeperOf(pairs: Pairs, redial: () => void): CertificateKeeper {
  /** Of the newest request: in memory only until there is a certificate for it. */
  let asked: { readonly key: string; readonly publicKey: Uint8Array } | undefined;
  return {
    inUse: () => pairs.inUse,
    makeRequest: async (host) => {
      const { key, publicKey, csr } = await makeCertificateRequest(host);
      asked = { key, publicKey };
      return { publicKey, csr };
    },
    keep: ({ publicKey, certificate }) => {
      if (asked === undefined || Buffer.compare(asked.publicKey, publicKey) !== 0)
        throw new TypeError("a certificate is kept for the key that was asked for");
      pairs.keep({ key: asked.key, certificate });
      asked = undefined;
      redial();
    },
    retry: () => {
      const isThere = pairs.retry();
      if (isThere) redial();
      return isThere;
    },
  };
}

/**
 * Makes the host's TLS key and the request for its client certificate. Loaded only when a host joins: the ASN.1 library
 * costs memory for as long as the process lives. Reads no file and writes none.
 */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** Taken by every edge, Cloudflare's client-certificate checks included. */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface CertificateRequest {
  /** PEM, PKCS#8. */
  readonly key: string;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
}

export async function makeCertificateRequest(host: string): Promise<CertificateRequest> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${host}`,
    keys,
    signingAlgorithm: ALGORITHM,
  });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return { key: `${key}\n`, csr: new Uint8Array(request.rawData) };
}

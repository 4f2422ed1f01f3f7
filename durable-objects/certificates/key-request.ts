/**
 * Reads a PKCS#10 request. Of what it asks for only the public key is taken, and only when the request proves that its
 * sender holds the private half.
 */
import "reflect-metadata"; // the ASN.1 library needs it loaded before itself
import * as x509 from "@peculiar/x509";
import { toHex } from "../../protocol/bytes.ts";
import { sha256Of } from "../../protocol/signing.ts";

/** Taken by every TLS stack in front of an edge. Of another kind or curve there is no certificate. */
export const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface KeyRequest {
  readonly csr: Uint8Array<ArrayBuffer>;
  readonly publicKey: CryptoKey;
  /** Lower-case hex SHA-256 of the public key as certificates carry it (SubjectPublicKeyInfo). */
  readonly keyDigest: string;
}

/** Undefined when it is not a well-formed, self-signed request for a P-256 key. */
export async function readKeyRequest(csr: Uint8Array<ArrayBuffer>): Promise<KeyRequest | undefined> {
  try {
    const request = new x509.Pkcs10CertificateRequest(csr);
    if (!(await request.verify())) return undefined;
    const publicKey = (await request.publicKey.export(KEY_ALGORITHM, ["verify"])) as CryptoKey;
    return { csr, publicKey, keyDigest: digestOfKey(request.publicKey) };
  } catch {
    return undefined; // not a request, or for a key of another kind
  }
}

export interface CertificateFacts {
  /** Lower-case hex SHA-256 of the whole certificate. */
  readonly fingerprint: string;
  readonly keyDigest: string;
  /** Seconds since 1970. */
  readonly from: number;
  readonly until: number;
}

/** Undefined when it is not a certificate. */
export function readCertificate(der: Uint8Array<ArrayBuffer>): CertificateFacts | undefined {
  try {
    const certificate = new x509.X509Certificate(der);
    return {
      fingerprint: toHex(sha256Of(der)),
      keyDigest: digestOfKey(certificate.publicKey),
      from: secondsOf(certificate.notBefore),
      until: secondsOf(certificate.notAfter),
    };
  } catch {
    return undefined;
  }
}

function digestOfKey(key: x509.PublicKey): string {
  return toHex(sha256Of(new Uint8Array(key.rawData)));
}

function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}

/**
 * Judges the certificate a client presented on the agents' listener and describes it in the shape of Cloudflare's
 * `request.cf.tlsClientAuth`, so that the Worker reads one thing in all deployments. The TLS layer lets every client
 * finish its handshake, because an agent that is cut off in it cannot tell its owner why; hence nothing here may be
 * skipped before a request is forwarded. Revocation is not known here: the Worker checks the fingerprint.
 */

import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

export type CertificateCode =
  | "certificate_missing"
  | "certificate_untrusted"
  | "certificate_early"
  | "certificate_expired";

export interface TlsClientAuth {
  readonly certPresented: "0" | "1";
  readonly certVerified: "NONE" | "SUCCESS";
  readonly certRevoked: "0";
  readonly certFingerprintSHA256?: string;
  readonly certSerial?: string;
  readonly certNotBefore?: string;
  readonly certNotAfter?: string;
  readonly certSubjectDN?: string;
  readonly certIssuerDN?: string;
}

export type Judgement =
  | { readonly verified: true; readonly clientAuth: TlsClientAuth }
  | { readonly verified: false; readonly code: CertificateCode };

/** What the Worker is told about a request that needs no certificate, whatever the client presented. */
export const NO_CLIENT_AUTH: TlsClientAuth = { certPresented: "0", certVerified: "NONE", certRevoked: "0" };

/** OpenSSL's verdict must be positive too; the checks before it only say which sentence the client gets. */
export function judgeClient(socket: TLSSocket, authority: X509Certificate, now: Date): Judgement {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { verified: false, code: "certificate_missing" };
  // A resumed session proves nothing anew. None is offered, so one that appears is refused.
  if (socket.isSessionReused()) return { verified: false, code: "certificate_untrusted" };
  if (!isIssuedBy(certificate, authority)) return { verified: false, code: "certificate_untrusted" };
  if (now < certificate.validFromDate) return { verified: false, code: "certificate_early" };
  if (now > certificate.validToDate) return { verified: false, code: "certificate_expired" };
  if (!socket.authorized) return { verified: false, code: "certificate_untrusted" };
  return { verified: true, clientAuth: describe(certificate) };
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function describe(certificate: X509Certificate): TlsClientAuth {
  return {
    certPresented: "1",
    certVerified: "SUCCESS",
    certRevoked: "0",
    certFingerprintSHA256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    certSerial: certificate.serialNumber,
    certNotBefore: certificate.validFrom,
    certNotAfter: certificate.validTo,
    certSubjectDN: oneLine(certificate.subject),
    certIssuerDN: oneLine(certificate.issuer),
  };
}

/** Node writes one attribute a line, most general first; Cloudflare writes them in one line, most specific first. */
function oneLine(name: string): string {
  return name.split("\n").toReversed().join(",");
}

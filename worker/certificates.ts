/** The one door to X.509: reads a host's certificate request and issues its client certificate. */
import "reflect-metadata"; // the ASN.1 library needs it loaded before itself
import * as x509 from "@peculiar/x509";
import { toHex } from "../protocol/bytes.ts";
import { CLIENT_CERTIFICATE_SECONDS } from "../protocol/limits.ts";
import { sha256Of } from "../protocol/signing.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** Hosts whose clock is behind ours must not find their certificate to be from the future. */
const BACKDATE_SECONDS = 300;

export interface IssueRequest {
  /** PKCS#10, DER. */
  readonly csr: Uint8Array<ArrayBuffer>;
  /** Becomes the common name. */
  readonly host: string;
  /** PEM. */
  readonly authority: { readonly key: string; readonly certificate: string };
  /** Edge clock, seconds. */
  readonly now: number;
}

export interface IssuedCertificate {
  readonly der: Uint8Array<ArrayBuffer>;
  /** Lower-case hex SHA-256. */
  readonly fingerprint: string;
  readonly notAfter: number;
}

/** Undefined when the request is not a well-formed, self-signed request for a P-256 key. Its wishes are ignored. */
export async function issueClientCertificate({
  csr,
  host,
  authority,
  now,
}: IssueRequest): Promise<IssuedCertificate | undefined> {
  const publicKey = await requestedKey(csr);
  if (publicKey === undefined) return undefined;
  const issuer = new x509.X509Certificate(authority.certificate);
  const notAfter = Math.min(now + CLIENT_CERTIFICATE_SECONDS, Math.floor(issuer.notAfter.getTime() / 1_000));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `01${toHex(crypto.getRandomValues(new Uint8Array(15)))}`,
    subject: `CN=${host}`,
    issuer: issuer.subject,
    notBefore: new Date((now - BACKDATE_SECONDS) * 1_000),
    notAfter: new Date(notAfter * 1_000),
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey: await authorityKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer, false),
    ],
  });
  const der = new Uint8Array(certificate.rawData);
  return { der, fingerprint: toHex(sha256Of(der)), notAfter };
}

async function requestedKey(csr: Uint8Array<ArrayBuffer>): Promise<CryptoKey | undefined> {
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(csr);
    if (!(await request.verify())) return undefined;
    return (await request.publicKey.export({ name: "ECDSA", namedCurve: "P-256" }, ["verify"])) as CryptoKey;
  } catch {
    return undefined; // not a request, or for a key of another kind
  }
}

async function authorityKey(pem: string): Promise<CryptoKey> {
  const [bytes] = x509.PemConverter.decode(pem);
  if (bytes === undefined) throw new TypeError("agent authority: no PEM block");
  return crypto.subtle.importKey("pkcs8", bytes, ALGORITHM, false, ["sign"]);
}

/** Signs client certificates with a key of this edge's own. */
import "reflect-metadata"; // the ASN.1 library needs it loaded before itself
import * as x509 from "@peculiar/x509";
import { toHex } from "../../protocol/bytes.ts";
import { CLIENT_CERTIFICATE_SECONDS } from "../../protocol/limits.ts";
import type { CertificateAuthority, SigningOrder } from "./authority.ts";
import { KEY_ALGORITHM } from "./key-request.ts";

/** Hosts whose clock is behind ours must not find their certificate to be from the future. */
const BACKDATE_SECONDS = 300;

/** PEM. */
export interface AuthorityPair {
  readonly key: string;
  readonly certificate: string;
}

export function localAuthority(pair: AuthorityPair): CertificateAuthority {
  return {
    sign: async (order) => ({ der: await sign(order, pair), keeping: undefined }),
    // It keeps no list. What another authority keeps, from before, that one has not been told.
    revoke: () => Promise.resolve(false),
  };
}

async function sign({ request, host, now }: SigningOrder, authority: AuthorityPair): Promise<Uint8Array<ArrayBuffer>> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const until = Math.min(now + CLIENT_CERTIFICATE_SECONDS, Math.floor(issuer.notAfter.getTime() / 1_000));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `01${toHex(crypto.getRandomValues(new Uint8Array(15)))}`,
    subject: `CN=${host}`,
    issuer: issuer.subject,
    notBefore: new Date((now - BACKDATE_SECONDS) * 1_000),
    notAfter: new Date(until * 1_000),
    signingAlgorithm: KEY_ALGORITHM,
    publicKey: request.publicKey,
    signingKey: await authorityKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer, false),
    ],
  });
  return new Uint8Array(certificate.rawData);
}

async function authorityKey(pem: string): Promise<CryptoKey> {
  const [bytes] = x509.PemConverter.decode(pem);
  if (bytes === undefined) throw new TypeError("agent authority: no PEM block");
  return crypto.subtle.importKey("pkcs8", bytes, KEY_ALGORITHM, false, ["sign"]);
}

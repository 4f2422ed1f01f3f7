/**
 * Makes the certificates of the local edge: two authorities and the agent listener's own certificate.
 * Loaded only when one must be made (the ASN.1 library costs memory for as long as the process lives).
 * Reads no file and writes none.
 */

import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";

/** Rustls, OpenSSL and Cloudflare's client-certificate checks all take P-256; not all take Ed25519. */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** Clocks of hosts that join may be behind ours. */
const BACKDATE_SECONDS = 300;
/** Outlives any machine that runs this; replaced by `root.rotate`-style ceremony, not by expiry. */
export const AUTHORITY_SECONDS = 10 * 365 * 86_400;
/** As short as a client's, and renewed by the same rule. */
export const SERVER_SECONDS = 90 * 86_400;

/** PEM, PKCS 8 for the key. */
export interface KeyPair {
  readonly key: string;
  readonly certificate: string;
}

export async function makeAuthority(name: string, now: Date): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${name}`,
    ...validity(now, AUTHORITY_SECONDS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { key: await exportKey(keys.privateKey), certificate: `${certificate.toString("pem")}\n` };
}

/** `names`: host names and addresses that agents will use to reach the listener. */
export async function makeServerCertificate(authority: KeyPair, names: readonly string[], now: Date): Promise<KeyPair> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: "CN=clawhold edge",
    issuer: issuer.subject,
    ...validity(now, SERVER_SECONDS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], true),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer, false),
    ],
  });
  return { key: await exportKey(keys.privateKey), certificate: `${certificate.toString("pem")}\n` };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  x509.cryptoProvider.set(webcrypto);
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [bytes] = x509.PemConverter.decode(pem);
  if (bytes === undefined) throw new TypeError("no PEM block in the authority's key");
  return webcrypto.subtle.importKey("pkcs8", bytes, ALGORITHM, false, ["sign"]);
}

function validity(now: Date, seconds: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const milliseconds = now.getTime();
  return {
    notBefore: new Date(milliseconds - BACKDATE_SECONDS * 1000),
    notAfter: new Date(milliseconds + seconds * 1000),
  };
}

/** 120 random bits below a leading 01: positive, never zero, of one length. */
function serialNumber(): string {
  return `01${randomBytes(15).toString("hex")}`;
}

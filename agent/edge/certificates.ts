/**
 * Makes the certificates of the local edge: its authorities, its listeners' own certificates, and those of browsers.
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

/** A person carries it to a browser by hand, so not every season; it is one file to revoke it. */
export const BROWSER_SECONDS = 365 * 86_400;

/** PEM, PKCS 8 for the key. */
export interface KeyPair {
  readonly key: string;
  readonly certificate: string;
}

/**
 * `only`: the one host name that it may vouch for. A browser that trusts this authority then trusts whoever stole its key
 * for that name, and for no other on the web (RFC 5280, section 4.2.1.10).
 */
export async function makeAuthority(name: string, now: Date, only?: string): Promise<KeyPair> {
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
      ...(only === undefined ? [] : [nameConstraint(only)]),
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

/** A browser's client certificate: another organisational unit and another authority than any host's. */
export async function makeBrowserCertificate(authority: KeyPair, label: string, now: Date): Promise<KeyPair> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    // As data, not as a string of RFC 4514: what a person called the browser may hold any character.
    subject: [{ OU: ["clawhold browser"] }, { CN: [label] }],
    issuer: issuer.subject,
    ...validity(now, BROWSER_SECONDS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer, false),
    ],
  });
  return { key: await exportKey(keys.privateKey), certificate: `${certificate.toString("pem")}\n` };
}

/** That DNS name and those below it, and no address at all. */
function nameConstraint(name: string): x509.Extension {
  const permitted = der(0xa0, der(0x30, der(0x82, new TextEncoder().encode(name))));
  const everyAddress = [8, 32].map((length) => der(0x30, der(0x87, new Uint8Array(length))));
  return new x509.Extension("2.5.29.30", true, der(0x30, permitted, der(0xa1, ...everyAddress)));
}

/** One element of DER, shorter than 64 KB. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x1_00 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return new Uint8Array([tag, ...size, ...content]);
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

/**
 * What the dashboard shows of itself under its VPN name: a certificate that a person brought (from `tailscale cert`, for
 * example), read again when its files change, or one of an authority that this edge makes for that one name. Passkeys need
 * a name, and browsers give them to https pages only.
 * May not: serve a pair that does not fit, or replace a good pair by a bad one while it runs.
 */
import { X509Certificate, createPrivateKey } from "node:crypto";
import { lstatSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse, pipe, startsWith, strictObject, string } from "valibot";
import { EdgeError, systemCode } from "../../shared/edge-error.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import type { KeyPair } from "../certificates.ts";
import { noteIssued } from "../issued-certificates.ts";

export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A name of the DNS with a dot in it: browsers give no passkeys to addresses, and a bare word is everybody's. */
const NAME = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws {EdgeError} `bind_refused` */
export function checkName(name: string): string {
  if (NAME.test(name) && !name.endsWith(".localhost")) return name;
  throw new EdgeError(
    "bind_refused",
    "--name takes the name under which browsers find this machine, in lower case and with a dot, for example edge.example.ts.net. Passkeys belong to a name; addresses have none.",
  );
}

const pairSchema = strictObject({
  key: pipe(string(), startsWith("-----BEGIN PRIVATE KEY-----")),
  certificate: pipe(string(), startsWith("-----BEGIN CERTIFICATE-----")),
});
const storedSchema = strictObject({ name: string(), authority: pairSchema, server: pairSchema });

export interface OwnCertificate {
  readonly pair: KeyPair;
  /** PEM file of the authority, for a person to bring to a browser. */
  readonly authorityPath: string;
}

/** Of our own authority for this name; both are kept, and the certificate is made anew at two thirds of its life. */
export async function ownCertificate(keysDirectory: string, name: string, now: Date): Promise<OwnCertificate> {
  const path = join(keysDirectory, "dashboard.json");
  const authorityPath = join(keysDirectory, "dashboard-authority.pem");
  const before = readStored(path);
  const kept = before?.name === name ? before : undefined;
  if (kept !== undefined && isFresh(kept.server.certificate, now)) return { pair: withChain(kept), authorityPath };
  const { makeAuthority, makeServerCertificate } = await import("../certificates.ts");
  const authority = kept?.authority ?? (await makeAuthority(`Clawhold dashboard ${name}`, now, name));
  const made = { name, authority, server: await makeServerCertificate(authority, [name], now) };
  noteIssued(keysDirectory, made.server.certificate);
  writeFileAtomically(path, `${JSON.stringify(made)}\n`);
  writeFileAtomically(authorityPath, authority.certificate);
  return { pair: withChain(made), authorityPath };
}

function withChain({ server, authority }: { readonly server: KeyPair; readonly authority: KeyPair }): KeyPair {
  return { key: server.key, certificate: `${server.certificate}${authority.certificate}` };
}

function isFresh(pem: string, now: Date): boolean {
  const certificate = new X509Certificate(pem);
  const from = certificate.validFromDate.getTime();
  const renewAt = from + ((certificate.validToDate.getTime() - from) * 2) / 3;
  return now.getTime() >= from && now.getTime() < renewAt;
}

function readStored(path: string): ReturnType<typeof parseStored> | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return parseStored(text);
  } catch {
    // The cause is dropped: a parser's message may quote the key it stumbled over.
    throw new EdgeError(
      "keys_damaged",
      `${path} cannot be read as keys. Nothing was changed. Restore it from a backup, or move it away: a new authority is then made, which every browser has to trust anew.`,
    );
  }
}

function parseStored(text: string): {
  readonly name: string;
  readonly authority: KeyPair;
  readonly server: KeyPair;
} {
  return parse(storedSchema, JSON.parse(text));
}

/** Reads a person's own pair and checks that it can serve `name` now. @throws {EdgeError} `tls_files` */
export function readTlsFiles(files: TlsFiles, name: string, now: Date): KeyPair {
  const certificate = readText(files.certificate, "--tls-cert");
  const key = readKey(files.key);
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(certificate);
  } catch {
    throw new EdgeError(
      "tls_files",
      `${files.certificate} holds no certificate in PEM form. Give the file that holds the certificate.`,
    );
  }
  let isPair: boolean;
  try {
    isPair = leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new EdgeError(
      "tls_files",
      `${files.key} holds no private key in PEM form. Give the file that holds the certificate's key.`,
    );
  }
  if (!isPair)
    throw new EdgeError(
      "tls_files",
      `${files.key} is not the key of ${files.certificate}. Give the two files of one pair.`,
    );
  if (leaf.checkHost(name) === undefined)
    throw new EdgeError(
      "tls_files",
      `The certificate in ${files.certificate} is for another name than ${name}. Get one for that name, or give the name that it has with --name.`,
    );
  if (now < leaf.validFromDate || now > leaf.validToDate)
    throw new EdgeError(
      "tls_files",
      `The certificate in ${files.certificate} is not valid at this time. Renew it, or set the clock.`,
    );
  return { key, certificate };
}

/** Changes when one of the files was written or exchanged; undefined while one is missing. */
export function stampOf({ certificate, key }: TlsFiles): string | undefined {
  try {
    return [certificate, key].map((path) => stamp(path)).join(" ");
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

function stamp(path: string): string {
  const { ino, mtimeMs, size } = statSync(path);
  return `${ino}:${mtimeMs}:${size}`;
}

function readKey(path: string): string {
  const text = readText(path, "--tls-key");
  // A link is followed: certificate tools keep the newest file behind one. Its target is what counts.
  if ((statSync(path).mode & 0o007) !== 0)
    throw new EdgeError(
      "tls_files",
      `Every user of this machine may read the key in ${path}. Close it: chmod o-rwx ${path}`,
    );
  return text;
}

function readText(path: string, flag: string): string {
  try {
    if (lstatSync(path).isDirectory())
      throw new EdgeError("tls_files", `${path} is a directory. ${flag} needs a file.`);
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || error instanceof EdgeError) throw error;
    throw new EdgeError("tls_files", `${path} could not be read (${code}). Check the path that ${flag} was given.`);
  }
}

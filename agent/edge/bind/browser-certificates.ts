/**
 * Which browsers may open the dashboard where it leaves loopback: an authority of its own and a list of the certificates
 * that it issued. The list decides, not the signature alone, so that one certificate can be taken away at once. Not the
 * agents' authority: a browser's certificate must open no tunnel, and a host's no dashboard.
 * A certificate is a filter and no authority: whoever has one still needs a passkey for anything.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import * as v from "valibot";
import { EdgeError, systemCode } from "../../shared/edge-error.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import type { KeyPair } from "../certificates.ts";
import type { Problem } from "../problem.ts";

const authoritySchema = v.strictObject({ key: v.string(), certificate: v.string() });
const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const entrySchema = v.strictObject({
  /** SHA-256, lower-case hex. */
  fingerprint: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  label: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  issued: seconds,
  ends: seconds,
  revoked: v.optional(seconds),
});
export type BrowserCertificate = v.InferOutput<typeof entrySchema>;
/** More than anybody's browsers; a longer list is not ours. */
export const MAX_BROWSER_CERTIFICATES = 256;
const listSchema = v.pipe(v.array(entrySchema), v.maxLength(MAX_BROWSER_CERTIFICATES));

export function listPath(keysDirectory: string): string {
  return join(keysDirectory, "browser-certificates.json");
}

/** Made at its first use. */
export async function browserAuthority(keysDirectory: string, now: Date): Promise<KeyPair> {
  const path = join(keysDirectory, "browser-authority.json");
  const text = readText(path);
  if (text !== undefined) return parseFile(path, text, authoritySchema);
  const { makeAuthority } = await import("../certificates.ts");
  const made = await makeAuthority("clawhold browser authority", now);
  writeFileAtomically(path, `${JSON.stringify(made)}\n`);
  return made;
}

/** @throws {EdgeError} `keys_damaged` */
export function readBrowserCertificates(keysDirectory: string): readonly BrowserCertificate[] {
  const path = listPath(keysDirectory);
  const text = readText(path);
  return text === undefined ? [] : parseFile(path, text, listSchema);
}

/** For whoever holds the lock over the list. */
export function writeBrowserCertificates(keysDirectory: string, list: readonly BrowserCertificate[]): void {
  if (list.length > MAX_BROWSER_CERTIFICATES)
    throw new EdgeError(
      "browser_certificates",
      `There are ${MAX_BROWSER_CERTIFICATES} browser certificates already. Those that ended leave the list with the next revocation; revoke one that nobody needs.`,
    );
  writeFileAtomically(listPath(keysDirectory), `${JSON.stringify(list, undefined, 1)}\n`);
}

export type BrowserCode =
  | "browser_certificate_missing"
  | "browser_certificate_untrusted"
  | "browser_certificate_expired"
  | "browser_certificate_revoked";

const SENTENCES = {
  browser_certificate_missing:
    "This dashboard opens only in browsers that were given a certificate, and this one showed none. Whoever runs the edge makes one there: clawhold up browser-certificate",
  browser_certificate_untrusted:
    "The certificate that this browser showed is not one that this edge gave to browsers. Whoever runs the edge makes one there: clawhold up browser-certificate",
  browser_certificate_expired:
    "The certificate of this browser is not valid at this time. Check the clocks, or have a new one made on the edge's machine: clawhold up browser-certificate",
  browser_certificate_revoked:
    "The certificate of this browser was revoked. Have a new one made on the edge's machine: clawhold up browser-certificate",
} as const satisfies Record<BrowserCode, string>;

/** Asks every request anew: a connection or a session that was good a minute ago proves nothing. */
export class BrowserGate {
  /** PEM. */
  readonly authority: string;
  readonly #issuer: X509Certificate;
  readonly #directory: string;
  readonly #now: () => Date;
  #stamp = "";
  #list: ReadonlyMap<string, BrowserCertificate> = new Map();

  constructor(keysDirectory: string, authority: string, now: () => Date) {
    this.authority = authority;
    this.#issuer = new X509Certificate(authority);
    this.#directory = keysDirectory;
    this.#now = now;
  }

  /** Undefined for a browser that may come in. */
  refuse(socket: TLSSocket): Problem | undefined {
    const code = this.#judge(socket);
    return code === undefined ? undefined : { status: 403, code, detail: SENTENCES[code] };
  }

  #judge(socket: TLSSocket): BrowserCode | undefined {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return "browser_certificate_missing";
    if (socket.isSessionReused()) return "browser_certificate_untrusted";
    if (!certificate.checkIssued(this.#issuer) || !certificate.verify(this.#issuer.publicKey))
      return "browser_certificate_untrusted";
    const now = this.#now();
    if (now < certificate.validFromDate || now > certificate.validToDate) return "browser_certificate_expired";
    if (!socket.authorized) return "browser_certificate_untrusted";
    const listed = this.#listed().get(fingerprintOf(certificate));
    if (listed === undefined) return "browser_certificate_untrusted";
    return listed.revoked === undefined ? undefined : "browser_certificate_revoked";
  }

  /** Another process writes the list; a list that cannot be read lets nobody in. */
  #listed(): ReadonlyMap<string, BrowserCertificate> {
    const stamp = stampOf(listPath(this.#directory));
    if (stamp !== this.#stamp) {
      this.#list = new Map();
      this.#list = new Map(readOrNone(this.#directory).map((entry) => [entry.fingerprint, entry]));
      this.#stamp = stamp;
    }
    return this.#list;
  }
}

export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}

function readOrNone(directory: string): readonly BrowserCertificate[] {
  try {
    return readBrowserCertificates(directory);
  } catch (error) {
    if (error instanceof EdgeError) return []; // damaged: the command that lists them says so
    throw error;
  }
}

function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "none" : `${found.ino}:${found.mtimeMs}:${found.size}`;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The cause is dropped: a parser's message may quote the key it stumbled over. */
function parseFile<S extends v.GenericSchema>(path: string, text: string, schema: S): v.InferOutput<S> {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    throw new EdgeError(
      "keys_damaged",
      `${path} cannot be read. Nothing was changed. Restore it from a backup, or move it away and give browsers new certificates.`,
    );
  }
}

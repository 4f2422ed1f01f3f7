/**
 * The secrets of a local edge: signing seeds for dispatch and ledger, two certificate authorities, and the agent
 * listener's certificate. They are read once at start and go to workerd by its environment, never by argv or a
 * configuration file. One file, written once: a half-made set of keys cannot exist, and a lost one is never replaced
 * silently, because hosts have pinned what it held.
 */

import { X509Certificate, hkdfSync, randomBytes } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { optional, parse, pipe, regex, startsWith, strictObject, string } from "valibot";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { noteIssued } from "./issued-certificates.ts";
import type { KeyPair } from "./certificates.ts";
import { EdgeError, systemCode } from "../shared/edge-error.ts";

/** Ed25519 (RFC 8032, section 5.1.5). */
export const SEED_BYTES = 32;
const FILE = "edge.json";

export interface EdgeKeys {
  /** base64url. */
  readonly dispatchSeed: string;
  /** base64url. */
  readonly ledgerSeed: string;
  /** They wait until the trust log names them (key-change.ts). */
  readonly nextDispatchSeed?: string | undefined;
  readonly nextLedgerSeed?: string | undefined;
  /** base64url; absent while the ledger's first seed is there, from which it is derived. */
  readonly settingsKey?: string | undefined;
  /** Signs the agents' client certificates. */
  readonly agentAuthority: KeyPair;
  /** Signs the agent listener's certificate; agents pin it when they join. */
  readonly edgeAuthority: KeyPair;
}

export interface KeyPlace {
  /** The directory `keys`. */
  readonly directory: string;
  /** True when the data directory already holds state that was made with keys. */
  readonly hasState: boolean;
}

const pairSchema = strictObject({
  key: pipe(string(), startsWith("-----BEGIN PRIVATE KEY-----")),
  certificate: pipe(string(), startsWith("-----BEGIN CERTIFICATE-----")),
});
const seedSchema = pipe(string(), regex(/^[A-Za-z0-9_-]{43}$/));
const keysSchema = strictObject({
  dispatchSeed: seedSchema,
  ledgerSeed: seedSchema,
  nextDispatchSeed: optional(seedSchema),
  nextLedgerSeed: optional(seedSchema),
  settingsKey: optional(seedSchema),
  agentAuthority: pairSchema,
  edgeAuthority: pairSchema,
});

export async function loadKeys({ directory, hasState }: KeyPlace, now: Date): Promise<EdgeKeys> {
  const stored = readKeys(directory);
  if (stored !== undefined) return stored;
  if (hasState) {
    throw new EdgeError(
      "keys_damaged",
      `${join(directory, FILE)} is missing, but this data directory has been used. New keys would lock out every host that trusts the old ones. Restore the file from a backup, or start afresh in another directory with --data.`,
    );
  }
  const { makeAuthority } = await import("./certificates.ts");
  const keys: EdgeKeys = {
    dispatchSeed: randomBytes(SEED_BYTES).toString("base64url"),
    ledgerSeed: randomBytes(SEED_BYTES).toString("base64url"),
    agentAuthority: await makeAuthority("clawhold agent authority", now),
    edgeAuthority: await makeAuthority("clawhold edge authority", now),
  };
  writeKeys(directory, keys);
  return keys;
}

/** Undefined where none were made yet. */
export function readKeys(directory: string): EdgeKeys | undefined {
  const path = join(directory, FILE);
  const text = readPrivateFile(path);
  return text === undefined ? undefined : parseFile(path, text, (value) => parse(keysSchema, value));
}

export function writeKeys(directory: string, keys: EdgeKeys): void {
  writeFileAtomically(join(directory, FILE), `${JSON.stringify(keys)}\n`);
}

/**
 * Seals what little the edge keeps secret beside its own keys (where alerts are sent). Derived, so that a data directory
 * from before it needs no new file; a key of its own, because a signing seed must do nothing but sign. Kept by itself once
 * the seed that it came from is gone.
 */
export function deriveSettingsKey({ ledgerSeed, settingsKey }: Pick<EdgeKeys, "ledgerSeed" | "settingsKey">): string {
  if (settingsKey !== undefined) return settingsKey;
  const seed = Buffer.from(ledgerSeed, "base64url");
  return Buffer.from(hkdfSync("sha256", seed, "", "clawhold edge settings v1", SEED_BYTES)).toString("base64url");
}

export interface ServerCertificateRequest {
  readonly authority: KeyPair;
  /** Host names and addresses under which agents reach the listener. */
  readonly names: readonly string[];
  readonly now: Date;
}

/** The stored certificate while it still fits; otherwise a new one. Nothing pins it (agents pin its authority). */
export async function loadServerCertificate(directory: string, request: ServerCertificateRequest): Promise<KeyPair> {
  const path = join(directory, "server.json");
  const text = readPrivateFile(path);
  if (text !== undefined) {
    const stored = parseFile(path, text, (value) => parse(pairSchema, value));
    if (stillFits(stored, request)) return stored;
  }
  const { makeServerCertificate } = await import("./certificates.ts");
  const made = await makeServerCertificate(request.authority, request.names, request.now);
  noteIssued(directory, made.certificate);
  writeFileAtomically(path, `${JSON.stringify(made)}\n`);
  return made;
}

/** Two thirds of a life leave a month to notice that renewal fails. */
function stillFits(stored: KeyPair, { authority, names, now }: ServerCertificateRequest): boolean {
  const certificate = new X509Certificate(stored.certificate);
  const from = certificate.validFromDate.getTime();
  const renewAt = from + ((certificate.validToDate.getTime() - from) * 2) / 3;
  if (now.getTime() < from || now.getTime() >= renewAt) return false;
  if (!certificate.verify(new X509Certificate(authority.certificate).publicKey)) return false;
  return names.every(
    (name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined,
  );
}

function readPrivateFile(path: string): string | undefined {
  let mode: number;
  try {
    mode = lstatSync(path).mode;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  if ((mode & 0o077) !== 0) {
    throw new EdgeError(
      "data_permissions",
      `Other users may read ${path}, which holds keys. Close it and start again: chmod 600 ${path}`,
    );
  }
  return readFileSync(path, "utf8");
}

/** The cause is dropped: a parser's message may quote the key it stumbled over. */
function parseFile<Value>(path: string, text: string, read: (value: unknown) => Value): Value {
  try {
    return read(JSON.parse(text));
  } catch {
    throw new EdgeError(
      "keys_damaged",
      `${path} cannot be read as keys. Nothing was changed. Restore the file from a backup, or start afresh in another directory with --data.`,
    );
  }
}

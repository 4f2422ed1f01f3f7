/**
 * The life of a host's client certificate at the edge: issued after its entry in the ledger, taken away after another one.
 * Of one host at most two are good: the one in use, and the newest until it was used.
 */
import type { CertificateRecord } from "../../migrations/schema.ts";
import type { LedgerDraft } from "../../protocol/ledger.ts";
import { CERTIFICATE_SKEW_SECONDS } from "../../protocol/limits.ts";
import type { Database } from "../db/database.ts";
import {
  isKeyKnown,
  markCertificatesRevoked,
  markRevocationTold,
  saveCertificate,
  standingCertificates,
  untoldRevocations,
  type HostName,
} from "../db/certificate-rows.ts";
import { LedgerUnavailable } from "../ledger-client.ts";
import { logStep } from "../log.ts";
import type { CertificateAuthority, SignedCertificate, SigningFailure } from "./authority.ts";
import { readCertificate, type CertificateFacts, type KeyRequest } from "./key-request.ts";

/** Revocations that a provider is told of at a time: one that refuses them all must not hold up the rest. */
const MAX_TOLD = 8;

export interface IssueDeps {
  readonly db: Database;
  readonly authority: CertificateAuthority;
  /** Returns when the entry is durable. */
  readonly append: (draft: LedgerDraft) => Promise<unknown>;
}

export interface Order extends HostName {
  readonly request: KeyRequest;
  /** Edge clock, seconds. */
  readonly now: number;
  /** An entry before the one about the certificate. */
  readonly announce?: (fingerprint: string) => LedgerDraft;
}

export interface IssuedCertificate extends CertificateFacts {
  readonly der: Uint8Array<ArrayBuffer>;
}

/** `repeated`: this key had a certificate before. `ledger`: no entry, so no certificate. */
export type IssueFailure = SigningFailure | "repeated" | "ledger";

export async function issueCertificate(order: Order, deps: IssueDeps): Promise<IssuedCertificate | IssueFailure> {
  const { db, authority } = deps;
  const { request } = order;
  if (await isKeyKnown(db, request.keyDigest)) return "repeated";
  const signed = await sign(order, deps);
  if (typeof signed === "string") return signed;
  const issued = judgeSigned(signed, order);
  const isRecorded = issued !== undefined && (await record(issued.fingerprint, order, deps));
  if (!isRecorded) {
    // It leaves this function in no other way, so nobody else has it.
    if (signed.keeping !== undefined) await authority.revoke(signed.keeping);
    return issued === undefined ? "authority" : "ledger";
  }
  await saveCertificate(db, recordOf(issued, signed, order));
  return issued;
}

async function sign({ request, host, now }: Order, deps: IssueDeps): Promise<SignedCertificate | SigningFailure> {
  const { authority } = deps;
  const signed = await authority.sign({ request, host, now });
  if (signed !== "quota") return signed;
  await tellRevocations(deps, now); // each one frees a place
  return authority.sign({ request, host, now });
}

/** A certificate for exactly the key that was asked for, good now. Anything else is the mistake or the lie of a provider. */
function judgeSigned({ der }: SignedCertificate, { request, now, host }: Order): IssuedCertificate | undefined {
  const facts = readCertificate(der);
  const fits =
    facts !== undefined &&
    facts.keyDigest === request.keyDigest &&
    facts.from <= now + CERTIFICATE_SKEW_SECONDS &&
    facts.until > now + CERTIFICATE_SKEW_SECONDS;
  if (fits) return { ...facts, der };
  logStep("certificate-foreign", { host, isCertificate: facts !== undefined });
  return undefined;
}

async function record(fingerprint: string, order: Order, { append }: IssueDeps): Promise<boolean> {
  try {
    if (order.announce !== undefined) await append(order.announce(fingerprint));
    await append(certificateEntry("certificate.issued", { host: order.host, fingerprint }));
    return true;
  } catch (error) {
    if (error instanceof LedgerUnavailable) return false;
    throw error;
  }
}

function recordOf(issued: IssuedCertificate, { keeping }: SignedCertificate, order: Order): CertificateRecord {
  const { workspace, host, now } = order;
  return {
    fingerprint: issued.fingerprint,
    workspace,
    host,
    keyDigest: issued.keyDigest,
    validFrom: issued.from,
    validUntil: issued.until,
    issuedAt: now,
    usedAt: null,
    revokedAt: null,
    zone: keeping?.zone ?? null,
    reference: keeping?.reference ?? null,
    toldAt: null,
  };
}

/** Takes away every certificate of a host that `which` names; each entry comes before its row. */
export async function revokeCertificates(
  name: HostName,
  which: (certificate: CertificateRecord) => boolean,
  { db, append, now }: Pick<IssueDeps, "db" | "append"> & { readonly now: number },
): Promise<void> {
  const rows = (await standingCertificates(db, name)).filter(which);
  for (const { host, fingerprint } of rows) {
    await append(certificateEntry("certificate.revoked", { host, fingerprint }));
    await markCertificatesRevoked(db, [fingerprint], now);
  }
}

/** What fails is tried at the next certificate or revocation; our own rows refuse it meanwhile. */
export async function tellRevocations(
  { db, authority }: Pick<IssueDeps, "db" | "authority">,
  now: number,
): Promise<void> {
  for (const { fingerprint, zone, reference } of await untoldRevocations(db, MAX_TOLD))
    if (zone !== null && reference !== null && (await authority.revoke({ zone, reference })))
      await markRevocationTold(db, fingerprint, now);
}

function certificateEntry(
  action: "certificate.issued" | "certificate.revoked",
  { host, fingerprint }: { readonly host: string; readonly fingerprint: string },
): LedgerDraft {
  const detail = { certificate: fingerprint };
  return { actor: { kind: "edge" }, action, target: host, detail, subject: fingerprint };
}

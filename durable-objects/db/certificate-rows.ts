/** Client certificates of hosts. Which of them count follows from these rows alone, whatever a provider says. */
import { and, desc, eq, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import { certificates, hosts, type CertificateRecord, type HostRecord } from "../../migrations/schema.ts";
import type { Database } from "./database.ts";

export interface CertifiedHost {
  readonly certificate: CertificateRecord;
  readonly host: HostRecord;
}

export interface HostName {
  readonly workspace: string;
  readonly host: string;
}

/** Whose certificate this is or was; undefined when it was never issued here. */
export async function findCertificate(db: Database, fingerprint: string): Promise<CertifiedHost | undefined> {
  const [row] = await db
    .select({ certificate: certificates, host: hosts })
    .from(certificates)
    .innerJoin(hosts, and(eq(hosts.workspace, certificates.workspace), eq(hosts.host, certificates.host)))
    .where(eq(certificates.fingerprint, fingerprint));
  return row;
}

export async function saveCertificate(db: Database, record: CertificateRecord): Promise<void> {
  await db.insert(certificates).values(record);
}

/** Those of a host that were not revoked, whether they have ended or not. */
export async function standingCertificates(
  db: Database,
  { workspace, host }: HostName,
): Promise<readonly CertificateRecord[]> {
  return db
    .select()
    .from(certificates)
    .where(and(eq(certificates.workspace, workspace), eq(certificates.host, host), isNull(certificates.revokedAt)));
}

/** The one that each host connects with: the newest that was used, or else the newest. */
export async function certificatesInUse(db: Database, workspace: string): Promise<readonly CertificateRecord[]> {
  const rows = await db
    .select()
    .from(certificates)
    .where(and(eq(certificates.workspace, workspace), isNull(certificates.revokedAt)))
    .orderBy(desc(certificates.usedAt), desc(certificates.issuedAt));
  const seen = new Set<string>();
  return rows.filter(({ host }) => !seen.has(host) && seen.add(host).has(host));
}

export async function markCertificateUsed(db: Database, fingerprint: string, now: number): Promise<void> {
  await db
    .update(certificates)
    .set({ usedAt: now })
    .where(and(eq(certificates.fingerprint, fingerprint), isNull(certificates.usedAt)));
}

export async function markCertificatesRevoked(
  db: Database,
  fingerprints: readonly string[],
  now: number,
): Promise<void> {
  await db
    .update(certificates)
    .set({ revokedAt: now })
    .where(and(inArray(certificates.fingerprint, [...fingerprints]), isNull(certificates.revokedAt)));
}

/** A key is certified once: no request is answered twice, and no host goes on with an old key. */
export async function isKeyKnown(db: Database, keyDigest: string): Promise<boolean> {
  const rows = await db
    .select({ fingerprint: certificates.fingerprint })
    .from(certificates)
    .where(eq(certificates.keyDigest, keyDigest));
  return rows.length > 0;
}

/** Revoked here, and still good for the provider that signed them. Any of them: those that it always refuses are not in the way. */
export async function untoldRevocations(db: Database, limit: number): Promise<readonly CertificateRecord[]> {
  return db
    .select()
    .from(certificates)
    .where(and(isNotNull(certificates.revokedAt), isNotNull(certificates.reference), isNull(certificates.toldAt)))
    .orderBy(sql`random()`)
    .limit(limit);
}

export async function markRevocationTold(db: Database, fingerprint: string, now: number): Promise<void> {
  await db.update(certificates).set({ toldAt: now }).where(eq(certificates.fingerprint, fingerprint));
}

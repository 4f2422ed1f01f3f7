/** Registered passkeys: what SimpleWebAuthn needs to check a sign-in. Whether one counts, the trust log says. */
import { and, eq, isNull } from "drizzle-orm";
import { passkeys } from "../../migrations/schema.ts";
import type { Database } from "../../durable-objects/db/database.ts";

export type PasskeyRecord = typeof passkeys.$inferSelect;

export async function findPasskey(db: Database, credentialId: string): Promise<PasskeyRecord | undefined> {
  const [row] = await db.select().from(passkeys).where(eq(passkeys.credentialId, credentialId));
  return row;
}

export async function passkeysOfCeremony(db: Database, ceremony: string): Promise<readonly PasskeyRecord[]> {
  return db.select().from(passkeys).where(eq(passkeys.ceremony, ceremony));
}

/** False when the credential id is taken. */
export async function savePasskey(db: Database, record: PasskeyRecord): Promise<boolean> {
  const added = await db.insert(passkeys).values(record).onConflictDoNothing().returning({ id: passkeys.credentialId });
  return added.length === 1;
}

export async function assignPasskey(
  db: Database,
  {
    credentialId,
    workspace,
    person,
  }: { readonly credentialId: string; readonly workspace: string; readonly person: string },
): Promise<void> {
  await db.update(passkeys).set({ workspace, person }).where(eq(passkeys.credentialId, credentialId));
}

/** Passkeys of a ceremony that came to nothing. */
export async function forgetPasskeys(db: Database, ceremony: string): Promise<void> {
  await db.delete(passkeys).where(and(eq(passkeys.ceremony, ceremony), isNull(passkeys.person)));
}

export async function setCounter(db: Database, credentialId: string, counter: number): Promise<void> {
  await db.update(passkeys).set({ counter }).where(eq(passkeys.credentialId, credentialId));
}

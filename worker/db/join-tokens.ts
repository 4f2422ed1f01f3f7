/** Join tokens by their hash. Each lets one host ask for a certificate, once, within 15 minutes. */
import { and, eq, gt, isNull, lt } from "drizzle-orm";
import { joinTokens } from "../../migrations/schema.ts";
import type { Database } from "../../durable-objects/db/database.ts";

/** Used and ended tokens stay this long, so that a second use is told from a wrong token. */
const REMEMBER_SECONDS = 86_400;

export type JoinTokenRecord = typeof joinTokens.$inferSelect;

export async function saveJoinToken(db: Database, record: Omit<JoinTokenRecord, "usedAt">, now: number): Promise<void> {
  await db.batch([
    db.delete(joinTokens).where(lt(joinTokens.expires, now - REMEMBER_SECONDS)),
    db.insert(joinTokens).values(record),
  ]);
}

export async function findJoinToken(db: Database, hash: string): Promise<JoinTokenRecord | undefined> {
  const [row] = await db.select().from(joinTokens).where(eq(joinTokens.hash, hash));
  return row;
}

/** True for exactly one of several racing callers. */
export async function useJoinToken(db: Database, hash: string, now: number): Promise<boolean> {
  const used = await db
    .update(joinTokens)
    .set({ usedAt: now })
    .where(and(eq(joinTokens.hash, hash), isNull(joinTokens.usedAt), gt(joinTokens.expires, now)))
    .returning({ hash: joinTokens.hash });
  return used.length === 1;
}

/** The ledger could not record the join, so nothing happened and the token may be tried again. */
export async function restoreJoinToken(db: Database, hash: string): Promise<void> {
  await db.update(joinTokens).set({ usedAt: null }).where(eq(joinTokens.hash, hash));
}

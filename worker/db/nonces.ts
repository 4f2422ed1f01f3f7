/** One-time values: written once, taken once. A row belongs to one ceremony; there is no slot that two could share. */
import { and, eq, gt, lte } from "drizzle-orm";
import { nonces } from "../../migrations/schema.ts";
import type { Database } from "../../durable-objects/db/database.ts";
import { edgeSeconds } from "../../durable-objects/clock.ts";

export type Nonce = typeof nonces.$inferInsert;

/** False when the value is taken. Clears what has expired. */
export async function saveNonce(db: Database, nonce: Nonce): Promise<boolean> {
  const [, added] = await db.batch([
    db.delete(nonces).where(lte(nonces.expires, edgeSeconds())),
    db.insert(nonces).values(nonce).onConflictDoNothing().returning({ nonce: nonces.nonce }),
  ]);
  return added.length === 1;
}

/** The row, exactly once and while it lasts. */
export async function takeNonce(
  db: Database,
  { nonce, purpose }: Pick<Nonce, "nonce" | "purpose">,
): Promise<Nonce | undefined> {
  const [row] = await db
    .delete(nonces)
    .where(and(eq(nonces.nonce, nonce), eq(nonces.purpose, purpose), gt(nonces.expires, edgeSeconds())))
    .returning();
  return row;
}

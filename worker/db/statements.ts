/** Adds to the trust log, and reads names beside it. Reading the log itself: durable-objects/db/trust-log.ts. */
import { eq } from "drizzle-orm";
import { names, statements } from "../../migrations/schema.ts";
import type { Database } from "../../durable-objects/db/database.ts";

export type StatementRecord = typeof statements.$inferSelect;

/** False when another statement holds the place. */
export async function saveStatement(db: Database, record: StatementRecord): Promise<boolean> {
  try {
    await db.insert(statements).values(record);
    return true;
  } catch (error) {
    if (isPlaceTaken(error)) return false;
    throw error;
  }
}

/** The trigger speaks before the primary key could. */
function isPlaceTaken(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes("statements_place")) return true;
  }
  return false;
}

export async function listNames(db: Database, workspace: string): Promise<readonly (typeof names.$inferSelect)[]> {
  return db.select().from(names).where(eq(names.workspace, workspace));
}

export async function findName(
  db: Database,
  workspace: string,
  person: string,
): Promise<{ readonly salt: string; readonly value: string } | undefined> {
  const found = (await listNames(db, workspace)).find((row) => row.person === person);
  return found === undefined ? undefined : { salt: found.salt, value: found.value };
}

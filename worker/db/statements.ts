/** Adds to the trust log, and reads names beside it. Reading the log itself: durable-objects/db/trust-log.ts. */
import { eq, sql } from "drizzle-orm";
import { names, revocations, statements } from "../../migrations/schema.ts";
import type { Database } from "../../durable-objects/db/database.ts";

export type StatementRecord = typeof statements.$inferSelect;
export type RevocationRecord = typeof revocations.$inferSelect;

/**
 * Both are judged by a state, and take effect only if no revocation came in between (`held`: how many that state has):
 * a statement must have known it, and two revocations together must not take away what each alone leaves.
 */
const asJudged = (workspace: string, held: number) =>
  sql`(SELECT COUNT(*) FROM ${revocations} WHERE ${revocations.workspace} = ${workspace}) = ${held}`;

/** False when another statement holds the place, or a revocation came first. */
export function saveStatement(db: Database, record: StatementRecord, held: number): Promise<boolean> {
  const { workspace, n, hash, signed } = record;
  return placed(() =>
    db.all(
      sql`INSERT INTO ${statements} (workspace, n, hash, signed) SELECT ${workspace}, ${n}, ${hash}, ${signed} WHERE ${asJudged(workspace, held)} RETURNING n`,
    ),
  );
}

/** False when the head that it names is not the newest any more, or another revocation came first. */
export function saveRevocation(db: Database, record: RevocationRecord, held: number): Promise<boolean> {
  const { workspace, digest, n, signed } = record;
  return placed(() =>
    db.all(
      sql`INSERT INTO ${revocations} (workspace, digest, n, signed) SELECT ${workspace}, ${digest}, ${n}, ${signed} WHERE ${asJudged(workspace, held)} RETURNING n`,
    ),
  );
}

async function placed(insert: () => Promise<unknown[]>): Promise<boolean> {
  try {
    return (await insert()).length === 1;
  } catch (error) {
    if (isPlaceTaken(error)) return false;
    throw error;
  }
}

/** The trigger speaks before the primary key could. */
function isPlaceTaken(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes("statements_place") || cause.message.includes("revocations_place")) return true;
  }
  return false;
}

export async function listNames(db: Database, workspace: string): Promise<readonly (typeof names.$inferSelect)[]> {
  return db.select().from(names).where(eq(names.workspace, workspace));
}

export async function saveName(db: Database, record: typeof names.$inferSelect): Promise<void> {
  await db.insert(names).values(record).onConflictDoNothing();
}

export async function findName(
  db: Database,
  workspace: string,
  person: string,
): Promise<{ readonly salt: string; readonly value: string } | undefined> {
  const found = (await listNames(db, workspace)).find((row) => row.person === person);
  return found === undefined ? undefined : { salt: found.salt, value: found.value };
}

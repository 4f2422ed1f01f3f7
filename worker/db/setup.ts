/** The setup key and the one root it may make. */
import { and, eq, isNull, or, sql } from "drizzle-orm";
import { names, nonces, passkeys, setup, statements, workspaces } from "../../migrations/schema.ts";
import type { Database } from "../../durable-objects/db/database.ts";

export type PendingSetup = typeof setup.$inferSelect;

export async function firstWorkspace(db: Database): Promise<string | undefined> {
  const [row] = await db.select({ workspace: workspaces.workspace }).from(workspaces).limit(1);
  return row?.workspace;
}

export async function pendingSetup(db: Database): Promise<PendingSetup | undefined> {
  const [row] = await db.select().from(setup).limit(1);
  return row;
}

/** The newest link replaces every earlier one. */
export async function replaceSetup(db: Database, setupKey: string, expires: number): Promise<void> {
  await db.batch([db.delete(setup), db.insert(setup).values({ setupKey, expires })]);
}

/** One root claims the key; the same root may claim again after a failure. False when another one was first. */
export async function claimSetup(db: Database, setupKey: string, workspace: string): Promise<boolean> {
  const claimed = await db
    .update(setup)
    .set({ workspace })
    .where(and(eq(setup.setupKey, setupKey), or(isNull(setup.workspace), eq(setup.workspace, workspace))))
    .returning({ setupKey: setup.setupKey });
  return claimed.length === 1;
}

export async function releaseSetup(db: Database, setupKey: string): Promise<void> {
  await db.update(setup).set({ workspace: null }).where(eq(setup.setupKey, setupKey));
}

export interface NewWorkspace {
  readonly workspace: string;
  readonly setupKey: string;
  /** Canonical JSON of the signed root. */
  readonly signed: string;
  readonly person: string;
  readonly name: { readonly salt: string; readonly value: string };
  readonly at: number;
}

/**
 * All of it or nothing; the setup key is forgotten in the same transaction. The workspace's id is read from the claim
 * itself: without a claim it is NULL, which the table refuses, so no two roots can both come through here.
 * @throws {Error} of the database
 */
export async function createWorkspace(db: Database, made: NewWorkspace): Promise<void> {
  const { workspace, setupKey, signed, person, name, at } = made;
  const claimed = sql<string>`(SELECT ${setup.workspace} FROM ${setup} WHERE ${setup.setupKey} = ${setupKey} AND ${setup.workspace} = ${workspace})`;
  await db.batch([
    db.insert(workspaces).values({ workspace: claimed, createdAt: at }),
    db.insert(statements).values({ workspace, n: 0, hash: workspace, signed }),
    db.insert(names).values({ workspace, person, ...name }),
    db.update(passkeys).set({ workspace, person }).where(eq(passkeys.ceremony, setupKey)),
    db.delete(setup),
    db.delete(nonces).where(eq(nonces.ceremony, setupKey)),
  ]);
}

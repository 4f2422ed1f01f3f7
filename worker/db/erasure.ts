/** Takes personal values away for good. Whoever calls has written the entry that says so. */
import { and, eq } from "drizzle-orm";
import type { Database } from "../../durable-objects/db/database.ts";
import { invitations, ledgerValues, names } from "../../migrations/schema.ts";
import type { PersonalField } from "../../protocol/ledger.ts";

export interface ValuePlace {
  readonly index: number;
  readonly field: PersonalField;
}

const valueAt = (workspace: string, { index, field }: ValuePlace) =>
  and(eq(ledgerValues.workspace, workspace), eq(ledgerValues.idx, index), eq(ledgerValues.field, field));
const nameOf = (workspace: string, person: string) => and(eq(names.workspace, workspace), eq(names.person, person));

export async function holdsValue(db: Database, workspace: string, place: ValuePlace): Promise<boolean> {
  const rows = await db.select({ idx: ledgerValues.idx }).from(ledgerValues).where(valueAt(workspace, place));
  return rows.length > 0;
}

export async function eraseValue(db: Database, workspace: string, place: ValuePlace): Promise<void> {
  await db.delete(ledgerValues).where(valueAt(workspace, place));
}

export async function holdsName(db: Database, workspace: string, person: string): Promise<boolean> {
  const rows = await db.select({ person: names.person }).from(names).where(nameOf(workspace, person));
  return rows.length > 0;
}

/** Also where an invitation brought it. */
export async function eraseName(db: Database, workspace: string, person: string): Promise<void> {
  await db.batch([
    db.delete(names).where(nameOf(workspace, person)),
    db
      .update(invitations)
      .set({ nameSalt: null, nameValue: null })
      .where(and(eq(invitations.workspace, workspace), eq(invitations.person, person))),
  ]);
}

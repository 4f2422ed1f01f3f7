/** Takes personal values away for good. Whoever calls has written the entry that says so. */
import { and, eq } from "drizzle-orm";
import type { Database } from "../../durable-objects/db/database.ts";
import { invitations, ledgerValues, names } from "../../migrations/schema.ts";
import type { PersonalField } from "../../protocol/ledger.ts";
import type { LedgerBooks } from "../ledger-books.ts";

export interface ValuePlace {
  readonly index: number;
  readonly field: PersonalField;
}

/** An entry's values are in the open table, in the object of a sealed segment, or in both while it moves. */
export interface ValueHome {
  readonly db: Database;
  readonly workspace: string;
  readonly books: LedgerBooks;
}

const valueAt = (workspace: string, { index, field }: ValuePlace) =>
  and(eq(ledgerValues.workspace, workspace), eq(ledgerValues.idx, index), eq(ledgerValues.field, field));
const nameOf = (workspace: string, person: string) => and(eq(names.workspace, workspace), eq(names.person, person));

export async function holdsValue({ db, workspace, books }: ValueHome, place: ValuePlace): Promise<boolean> {
  const rows = await db.select({ idx: ledgerValues.idx }).from(ledgerValues).where(valueAt(workspace, place));
  if (rows.length > 0) return true;
  const segment = await books.segments.around(place.index);
  if (segment === undefined || segment.droppedAt !== null) return false;
  return books.segment(segment.n).holdsValue(place);
}

/** The open table first: a segment that is begun after that finds nothing there, one that was begun before is told. */
export async function eraseValue({ db, workspace, books }: ValueHome, place: ValuePlace): Promise<void> {
  await db.delete(ledgerValues).where(valueAt(workspace, place));
  const segment = await books.segments.around(place.index);
  if (segment !== undefined && segment.droppedAt === null) await books.segment(segment.n).eraseValue(place);
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

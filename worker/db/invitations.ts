/** Invitations by the hash of their token. Each lets one person enrol one passkey, once, while it lasts. */
import { and, desc, eq, gt, isNull, lt } from "drizzle-orm";
import { invitations, type InvitationRecord } from "../../migrations/schema.ts";
import type { Database } from "../../durable-objects/db/database.ts";

/** Ended invitations stay this long, so that their holder is told what became of them. */
const REMEMBER_SECONDS = 86_400;

export type NewInvitation = Pick<
  InvitationRecord,
  "workspace" | "invitation" | "hash" | "label" | "madeBy" | "madeAt" | "expires"
>;

export async function saveInvitation(db: Database, record: NewInvitation): Promise<void> {
  await db.batch([
    db.delete(invitations).where(lt(invitations.expires, record.madeAt - REMEMBER_SECONDS)),
    db.insert(invitations).values({ ...record, withdrawn: false }),
  ]);
}

export async function findInvitation(db: Database, hash: string): Promise<InvitationRecord | undefined> {
  const [row] = await db.select().from(invitations).where(eq(invitations.hash, hash));
  return row;
}

/** Those that last, or ended with a passkey that nobody added yet; newest first. */
export async function listInvitations(
  db: Database,
  workspace: string,
  now: number,
): Promise<readonly InvitationRecord[]> {
  return db
    .select()
    .from(invitations)
    .where(and(eq(invitations.workspace, workspace), eq(invitations.withdrawn, false), gt(invitations.expires, now)))
    .orderBy(desc(invitations.madeAt), desc(invitations.invitation));
}

export interface Enrolled {
  readonly credentialId: string;
  /** Canonical JSON. */
  readonly credential: string;
  readonly nameSalt: string;
  readonly nameValue: string;
}

/** True for exactly one of several racing callers, while the invitation lasts. */
export async function enrol(
  db: Database,
  { workspace, invitation }: Pick<InvitationRecord, "workspace" | "invitation">,
  { enrolled, now }: { readonly enrolled: Enrolled; readonly now: number },
): Promise<boolean> {
  const changed = await db
    .update(invitations)
    .set(enrolled)
    .where(
      and(
        eq(invitations.workspace, workspace),
        eq(invitations.invitation, invitation),
        eq(invitations.withdrawn, false),
        isNull(invitations.credentialId),
        gt(invitations.expires, now),
      ),
    )
    .returning({ invitation: invitations.invitation });
  return changed.length === 1;
}

/** The ledger could not record the enrolment, so it did not happen. */
export async function unenrol(
  db: Database,
  { workspace, invitation }: Pick<InvitationRecord, "workspace" | "invitation">,
): Promise<void> {
  await db
    .update(invitations)
    .set({ credentialId: null, credential: null, nameSalt: null, nameValue: null })
    .where(and(eq(invitations.workspace, workspace), eq(invitations.invitation, invitation)));
}

/** False when it is unknown, withdrawn or became a person already. */
export async function withdrawInvitation(db: Database, workspace: string, invitation: string): Promise<boolean> {
  const changed = await db
    .update(invitations)
    .set({ withdrawn: true, nameSalt: null, nameValue: null })
    .where(
      and(
        eq(invitations.workspace, workspace),
        eq(invitations.invitation, invitation),
        eq(invitations.withdrawn, false),
        isNull(invitations.person),
      ),
    )
    .returning({ invitation: invitations.invitation });
  return changed.length === 1;
}

/** A statement added this passkey: whose invitation it was becomes that person. */
export async function settleInvitation(
  db: Database,
  workspace: string,
  { credentialId, person }: { readonly credentialId: string; readonly person: string },
): Promise<InvitationRecord | undefined> {
  const [row] = await db
    .update(invitations)
    .set({ person })
    .where(and(eq(invitations.workspace, workspace), eq(invitations.credentialId, credentialId)))
    .returning();
  return row;
}

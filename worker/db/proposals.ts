/** Proposals that wait for another person. Nothing here counts: the bytes and touches are judged again at their use. */
import { and, asc, eq, gt, lte } from "drizzle-orm";
import { proposals, type ProposalRecord } from "../../migrations/schema.ts";
import type { Database } from "../../durable-objects/db/database.ts";

/** False when these very bytes are proposed already. */
export async function saveProposal(db: Database, record: ProposalRecord, now: number): Promise<boolean> {
  const [, added] = await db.batch([
    db.delete(proposals).where(lte(proposals.expires, now)),
    db.insert(proposals).values(record).onConflictDoNothing().returning({ digest: proposals.digest }),
  ]);
  return added.length === 1;
}

export async function findProposal(
  db: Database,
  workspace: string,
  digest: string,
): Promise<ProposalRecord | undefined> {
  const [row] = await db
    .select()
    .from(proposals)
    .where(and(eq(proposals.workspace, workspace), eq(proposals.digest, digest)));
  return row;
}

export async function listProposals(db: Database, workspace: string, now: number): Promise<readonly ProposalRecord[]> {
  return db
    .select()
    .from(proposals)
    .where(and(eq(proposals.workspace, workspace), gt(proposals.expires, now)))
    .orderBy(asc(proposals.madeAt), asc(proposals.digest));
}

/** False when somebody else joined meanwhile. */
export async function replaceApprovals(db: Database, before: ProposalRecord, approvals: string): Promise<boolean> {
  const changed = await db
    .update(proposals)
    .set({ approvals })
    .where(
      and(
        eq(proposals.workspace, before.workspace),
        eq(proposals.digest, before.digest),
        eq(proposals.approvals, before.approvals),
      ),
    )
    .returning({ digest: proposals.digest });
  return changed.length === 1;
}

export async function removeProposal(db: Database, workspace: string, digest: string): Promise<void> {
  await db.delete(proposals).where(and(eq(proposals.workspace, workspace), eq(proposals.digest, digest)));
}

/** The trust log moved on: no statement that was proposed before fits any more. */
export async function removeStatementProposals(db: Database, workspace: string): Promise<void> {
  await db.delete(proposals).where(and(eq(proposals.workspace, workspace), eq(proposals.kind, "statement")));
}

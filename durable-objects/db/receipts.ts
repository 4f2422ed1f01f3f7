/** Receipts beside the ledger: the host's signed bytes, of which an entry holds the digest. Believed by nobody unverified. */
import { receipts } from "../../migrations/schema.ts";
import type { Database } from "./database.ts";

/** Again with the same receipt: nothing. */
export async function saveReceipt(db: Database, receipt: typeof receipts.$inferInsert): Promise<void> {
  await db.insert(receipts).values(receipt).onConflictDoNothing();
}

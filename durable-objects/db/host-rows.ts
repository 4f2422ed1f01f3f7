/** Hosts that joined. */
import { and, asc, eq } from "drizzle-orm";
import { hosts, type HostRecord } from "../../migrations/schema.ts";
import type { Database } from "./database.ts";

export async function findHost(db: Database, workspace: string, host: string): Promise<HostRecord | undefined> {
  const [row] = await db
    .select()
    .from(hosts)
    .where(and(eq(hosts.workspace, workspace), eq(hosts.host, host)));
  return row;
}

export async function listHosts(db: Database, workspace: string): Promise<readonly HostRecord[]> {
  return db.select().from(hosts).where(eq(hosts.workspace, workspace)).orderBy(asc(hosts.joinedAt), asc(hosts.host));
}

/** A host that joins again keeps its row. */
export async function saveHost(db: Database, record: HostRecord): Promise<void> {
  const { workspace: _workspace, host: _host, ...rest } = record;
  await db
    .insert(hosts)
    .values(record)
    .onConflictDoUpdate({ target: [hosts.workspace, hosts.host], set: rest });
}

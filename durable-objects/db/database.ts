/** The door to D1: typed queries over the tables of migrations/schema.ts. */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import * as schema from "../../migrations/schema.ts";

export type Database = DrizzleD1Database<typeof schema>;

/**
 * One for each binding, for all objects of an isolate: the tables are described anew for each otherwise, and an edge with
 * thousands of hosts has thousands of objects. Holds no state.
 */
const databases = new WeakMap<D1Database, Database>();

export function openDatabase(binding: D1Database): Database {
  const known = databases.get(binding);
  if (known !== undefined) return known;
  const opened = drizzle(binding, { schema });
  databases.set(binding, opened);
  return opened;
}

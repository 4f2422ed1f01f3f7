/** The door to D1: typed queries over the tables of migrations/schema.ts. */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import * as schema from "../../migrations/schema.ts";

export type Database = DrizzleD1Database<typeof schema>;

export function openDatabase(binding: D1Database): Database {
  return drizzle(binding, { schema });
}

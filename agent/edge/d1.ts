/**
 * Brings the local database to the program's schema before anything is served. The record of what was applied is
 * wrangler's own table, so that `wrangler d1 migrations` and this agree on one database.
 */

import { EdgeError } from "../shared/edge-error.ts";
import { unixRequest } from "./unix-http.ts";

export interface Migration {
  /** The file's name, e.g. `0001_ledger.sql`. */
  readonly name: string;
  readonly sql: string;
}

export interface Statement {
  readonly sql: string;
  readonly params?: readonly (string | number)[];
}

export type Row = Readonly<Record<string, unknown>>;

/** Runs the statements as one transaction and returns the rows of each. */
export type RunSql = (statements: readonly Statement[]) => Promise<readonly (readonly Row[])[]>;

/** wrangler's table, column for column. */
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS "d1_migrations"(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;
/** Becomes part of a statement. */
const MIGRATION_NAME = /^[0-9A-Za-z._/-]+$/;
/** A migration rewrites tables of a workspace at most once; a minute is already a wrong machine. */
const MIGRATION_TIMEOUT_SECONDS = 60;

/** Applies what is missing, in the given order, and returns the names it applied. */
export async function applyMigrations(run: RunSql, migrations: readonly Migration[]): Promise<readonly string[]> {
  await run([{ sql: CREATE_TABLE }]);
  const [rows = []] = await run([{ sql: 'SELECT name FROM "d1_migrations" ORDER BY id' }]);
  const applied = new Set(rows.map(({ name }) => String(name)));
  refuseUnknown(applied, migrations);
  const missing = migrations.filter(({ name }) => !applied.has(name));
  for (const { name, sql } of missing) {
    if (!MIGRATION_NAME.test(name)) throw new TypeError(`not a migration's name: ${name}`);
    try {
      // One text, as wrangler does it: the record is in the migration's own transaction, and a file that wrangler
      // would refuse (a last statement without its semicolon) is refused here too.
      await run([{ sql: `${sql}\nINSERT INTO "d1_migrations" (name) VALUES ('${name}');` }]);
    } catch (error) {
      throw new EdgeError(
        "migration_failed",
        `The database could not be brought to this version (${name}: ${error instanceof Error ? error.message : String(error)}). It is as it was before that step. Report this, and go back to the earlier version with the backup in backups/ of the data directory: clawhold up restore`,
        { cause: error },
      );
    }
  }
  return missing.map(({ name }) => name);
}

/** Tables from the future would be read with yesterday's meaning. */
function refuseUnknown(applied: ReadonlySet<string>, migrations: readonly Migration[]): void {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = [...applied].find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new EdgeError(
    "data_newer",
    `The database was changed by a newer Clawhold (${unknown}). Nothing was changed now. Start the newer version again, or choose another directory with --data.`,
  );
}

/** Through the private socket of the D1 shim. */
export function openSql(socketPath: string): RunSql {
  return async (statements) => {
    const { text } = await unixRequest({
      socketPath,
      path: "/query",
      body: statements,
      timeoutSeconds: MIGRATION_TIMEOUT_SECONDS,
    });
    const answer: unknown = JSON.parse(text);
    if (!Array.isArray(answer)) throw new Error(failureOf(answer));
    return answer.map((result: { readonly results: readonly Row[] }) => result.results);
  };
}

function failureOf(answer: unknown): string {
  if (typeof answer === "object" && answer !== null && "error" in answer) return String(answer.error);
  return "the database gave no readable answer";
}

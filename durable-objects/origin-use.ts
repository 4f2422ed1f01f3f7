/**
 * When each address was last signed in at: an address that nobody uses is a door that nobody watches. One row for each
 * address that the trust log listed when it was used; no person, no place.
 */
import type { OriginUse } from "../protocol/contracts/sessions.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS origin_use (origin TEXT PRIMARY KEY NOT NULL, last_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS origin_use_since (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);
`;

export class OriginUseTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  note(origin: string, now: number): void {
    this.#sql.exec("INSERT OR IGNORE INTO origin_use_since VALUES (1, ?)", now);
    this.#sql.exec(
      "INSERT INTO origin_use VALUES (?, ?) ON CONFLICT DO UPDATE SET last_at = excluded.last_at",
      origin,
      now,
    );
  }

  /** Undefined before the first sign-in that it saw: it knows nothing of the time before. */
  read(): OriginUse | undefined {
    const [since] = this.#sql.exec<{ at: number }>("SELECT at FROM origin_use_since").toArray();
    if (since === undefined) return undefined;
    const rows = this.#sql.exec<{ origin: string; at: number }>(
      "SELECT origin, last_at AS at FROM origin_use ORDER BY origin",
    );
    return { since: since.at, used: rows.toArray() };
  }
}

/**
 * How many entries one session may cause in an hour by having refused what it signs. Whoever stole one could otherwise
 * make the log grow with every request. Durable, so that nothing is gained by an eviction.
 */

/** Honest hands slip a few times; what comes on top is still counted for the alert. */
export const REFUSED_ENTRIES_PER_HOUR = 12;
const HOUR_SECONDS = 3_600;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS refused_signatures (session TEXT PRIMARY KEY NOT NULL, hour INTEGER NOT NULL, entries INTEGER NOT NULL);
`;

export class RefusalRoom {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  /** True, and counted, while this session has room in this hour. `now`: seconds. */
  take(session: string, now: number, room = REFUSED_ENTRIES_PER_HOUR): boolean {
    const hour = Math.floor(now / HOUR_SECONDS);
    this.#sql.exec("DELETE FROM refused_signatures WHERE hour <> ?", hour);
    const taken = this.#sql.exec(
      `INSERT INTO refused_signatures VALUES (?, ?, 1)
       ON CONFLICT (session) DO UPDATE SET entries = entries + 1 WHERE entries < ? RETURNING entries`,
      session,
      hour,
      room,
    );
    return taken.toArray().length > 0;
  }
}

/**
 * Addresses that failed to prove anything too often: how often lately, until when they are turned away, and for the
 * how-manieth time in a row. Durable. Holds addresses in clear for as long as they matter, and no longer.
 */
import { BAN_MEMORY_SECONDS, BAN_SECONDS, BAN_WINDOW_SECONDS } from "../../protocol/rates.ts";

export interface Ban {
  /** As `subscriberOf` writes it. */
  readonly network: string;
  /** Edge clock, seconds. */
  readonly until: number;
  readonly times: number;
}

export interface NewBan extends Ban {
  readonly seconds: number;
}

/** Rows of failures and bans; whoever comes when it is full is not banned, only counted like everybody. */
export const MAX_BAN_ROWS = 10_000;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS failures (
  network TEXT PRIMARY KEY NOT NULL,
  since INTEGER NOT NULL,
  failures INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bans (
  network TEXT PRIMARY KEY NOT NULL,
  until INTEGER NOT NULL,
  times INTEGER NOT NULL
) WITHOUT ROWID;
`;

type Row = Record<string, SqlStorageValue> & Ban;

export class BanTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  /** The ban that stands now. `now`: seconds. */
  standing(network: string, now: number): Ban | undefined {
    return this.#sql.exec<Row>("SELECT * FROM bans WHERE network = ? AND until > ?", network, now).toArray()[0];
  }

  /** One more failure; the ban that it ends in, if it is one too many. */
  fail(
    { network, failures: most }: { readonly network: string; readonly failures: number },
    now: number,
  ): NewBan | undefined {
    this.#forget(now);
    if (this.#rows() >= MAX_BAN_ROWS) return undefined;
    const { failures } = this.#sql
      .exec<{ failures: number }>(
        "INSERT INTO failures VALUES (?, ?, 1) ON CONFLICT (network) DO UPDATE SET failures = failures + 1 RETURNING failures",
        network,
        now,
      )
      .one();
    if (failures < most) return undefined;
    this.#sql.exec("DELETE FROM failures WHERE network = ?", network);
    return this.#ban(network, now);
  }

  /** False when there was none. What is remembered of earlier ones goes too: a person vouches for the address. */
  lift(network: string, now: number): boolean {
    this.#sql.exec("DELETE FROM failures WHERE network = ?", network);
    const lifted = this.#sql.exec<{ until: number }>("DELETE FROM bans WHERE network = ? RETURNING until", network);
    return lifted.toArray().some(({ until }) => until > now);
  }

  /** The newest first. */
  list(now: number, limit: number): readonly Ban[] {
    return this.#sql
      .exec<Row>("SELECT * FROM bans WHERE until > ? ORDER BY until DESC, network LIMIT ?", now, limit)
      .toArray()
      .map(({ network, until, times }) => ({ network, until, times }));
  }

  #ban(network: string, now: number): NewBan {
    const before = this.#sql.exec<Row>("SELECT * FROM bans WHERE network = ?", network).toArray()[0]?.times ?? 0;
    const times = before + 1;
    const seconds = BAN_SECONDS[Math.min(times, BAN_SECONDS.length) - 1] ?? BAN_SECONDS[0];
    const until = now + seconds;
    this.#sql.exec("INSERT OR REPLACE INTO bans VALUES (?, ?, ?)", network, until, times);
    return { network, until, times, seconds };
  }

  #forget(now: number): void {
    this.#sql.exec("DELETE FROM failures WHERE since <= ?", now - BAN_WINDOW_SECONDS);
    this.#sql.exec("DELETE FROM bans WHERE until <= ?", now - BAN_MEMORY_SECONDS);
  }

  #rows(): number {
    return this.#sql
      .exec<{ held: number }>("SELECT (SELECT COUNT(*) FROM failures) + (SELECT COUNT(*) FROM bans) AS held")
      .one().held;
  }
}

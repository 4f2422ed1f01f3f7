/**
 * What is left of each rate, by who asks: one number a bucket in the object's own SQLite, so that an eviction or a deploy
 * gives nobody a fresh start. Bounded: whoever has many addresses fills a table that then counts newcomers as one.
 */
import { countCall, type Rate, type RateName, type Standing } from "../../protocol/rates.ts";

/** Far beyond the addresses of a fleet and its people; about 1 MB. */
export const MAX_BUCKETS = 20_000;
const NEWCOMERS = "newcomers";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS buckets (
  name TEXT NOT NULL,
  who TEXT NOT NULL,
  full INTEGER NOT NULL,
  PRIMARY KEY (name, who)
) WITHOUT ROWID;
`;

export class BucketTable {
  readonly #sql: SqlStorage;
  readonly #max: number;

  constructor(sql: SqlStorage, max = MAX_BUCKETS) {
    this.#sql = sql;
    this.#max = max;
    sql.exec(SCHEMA);
  }

  /** One more call of `who`. `now`: milliseconds. */
  take(
    { name, rate, who }: { readonly name: RateName; readonly rate: Rate; readonly who: string },
    now: number,
  ): Standing {
    const counted = this.#full(name, who) === undefined && !this.#hasRoom(now) ? NEWCOMERS : who;
    const { full, standing } = countCall(name, rate, { full: this.#full(name, counted) ?? 0, now });
    this.#sql.exec(
      "INSERT INTO buckets VALUES (?, ?, ?) ON CONFLICT (name, who) DO UPDATE SET full = excluded.full",
      name,
      counted,
      full,
    );
    return standing;
  }

  #full(name: RateName, who: string): number | undefined {
    return this.#sql
      .exec<{ full: number }>("SELECT full FROM buckets WHERE name = ? AND who = ?", name, who)
      .toArray()[0]?.full;
  }

  #hasRoom(now: number): boolean {
    const count = (): number => this.#sql.exec<{ held: number }>("SELECT COUNT(*) AS held FROM buckets").one().held;
    if (count() < this.#max) return true;
    this.#sql.exec("DELETE FROM buckets WHERE full <= ?", now);
    return count() < this.#max;
  }
}

/**
 * How often something was refused, by host, session and rule, over the last minute and hour. Bounded: an hour of
 * buckets, and so many names in each; whoever is refused chooses neither.
 */
import { rateKinds, type RateKind } from "../../protocol/alerts.ts";

export interface Refusal {
  /** Code of the rule. */
  readonly code: string;
  readonly host?: string;
  /** Digest of the session. */
  readonly session?: string;
}

export interface Rate {
  readonly by: RateKind;
  readonly name: string;
  readonly minute: number;
  readonly hour: number;
}

export interface Thresholds {
  readonly minute: number;
  readonly hour: number;
}

/** "A minute" slides in steps of ten seconds: it means the last 50 to 60. */
export const BUCKET_SECONDS = 10;
const HOUR_BUCKETS = 3_600 / BUCKET_SECONDS;
const MINUTE_BUCKETS = 60 / BUCKET_SECONDS;
/** Names of one kind counted apart in one bucket; what comes on top is counted together. */
export const MAX_NAMES_PER_BUCKET = 64;
export const OTHERS = "others";
/** Rates in one answer. */
const MAX_RATES = 64;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS refusal_counts (
  bucket INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  refusals INTEGER NOT NULL,
  PRIMARY KEY (bucket, kind, name)
) WITHOUT ROWID;
`;

type RateRow = Record<string, SqlStorageValue> & {
  readonly kind: string;
  readonly name: string;
  readonly minute: number;
  readonly hour: number;
};

const RATES = `SELECT kind, name, SUM(refusals) AS hour,
  SUM(CASE WHEN bucket > ?1 - ${MINUTE_BUCKETS} THEN refusals ELSE 0 END) AS minute
  FROM refusal_counts WHERE bucket > ?1 - ${HOUR_BUCKETS} AND bucket <= ?1`;

export class RefusalCounts {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  /** Counts one refusal; the rates that it reached. `now`: seconds. */
  add({ code, host, session }: Refusal, now: number): readonly Rate[] {
    const bucket = Math.floor(now / BUCKET_SECONDS);
    this.#sql.exec("DELETE FROM refusal_counts WHERE bucket <= ?", bucket - HOUR_BUCKETS);
    const names: Readonly<Record<RateKind, string | undefined>> = { host, session, rule: code };
    return rateKinds.flatMap((by) => {
      const name = names[by];
      return name === undefined ? [] : this.#addOne(bucket, by, name);
    });
  }

  /** Highest first. */
  rates(now: number): readonly Rate[] {
    const bucket = Math.floor(now / BUCKET_SECONDS);
    return this.#read(`${RATES} GROUP BY kind, name ORDER BY hour DESC, kind, name LIMIT ${MAX_RATES}`, bucket);
  }

  /** All refusals of each of the last 60 minutes, oldest first; the last is the minute that runs. */
  perMinute(now: number): readonly number[] {
    const minute = Math.floor(now / 60);
    const counts = Array.from({ length: 60 }, () => 0);
    // Each refusal has exactly one rule.
    const rows = this.#sql.exec<{ minute: number; refusals: number }>(
      `SELECT bucket / ${MINUTE_BUCKETS} AS minute, SUM(refusals) AS refusals FROM refusal_counts WHERE kind = 'rule' GROUP BY 1`,
    );
    for (const row of rows) {
      const place = row.minute - minute + 59;
      if (place >= 0 && place < 60) counts[place] = row.refusals;
    }
    return counts;
  }

  #addOne(bucket: number, by: RateKind, asked: string): readonly Rate[] {
    const name = this.#hasRoom(bucket, by, asked) ? asked : OTHERS;
    this.#sql.exec(
      "INSERT INTO refusal_counts VALUES (?, ?, ?, 1) ON CONFLICT (bucket, kind, name) DO UPDATE SET refusals = refusals + 1",
      bucket,
      by,
      name,
    );
    return this.#read(`${RATES} AND kind = ?2 AND name = ?3 GROUP BY kind, name`, bucket, by, name);
  }

  #hasRoom(bucket: number, by: RateKind, name: string): boolean {
    const [row] = this.#sql
      .exec<{ names: number; known: number }>(
        "SELECT COUNT(*) AS names, COALESCE(MAX(name = ?3), 0) AS known FROM refusal_counts WHERE bucket = ?1 AND kind = ?2",
        bucket,
        by,
        name,
      )
      .toArray();
    return row === undefined || row.known === 1 || row.names < MAX_NAMES_PER_BUCKET;
  }

  #read(query: string, ...parameters: SqlStorageValue[]): readonly Rate[] {
    return this.#sql
      .exec<RateRow>(query, ...parameters)
      .toArray()
      .map(({ kind, name, minute, hour }) => ({ by: kind as RateKind, name, minute, hour })); // our own row
  }
}

/** Which of the two windows is at its threshold, the shorter first; undefined: neither. */
export function exceeds(
  { minute, hour }: Rate,
  thresholds: Thresholds,
): { readonly refusals: number; readonly windowSeconds: number } | undefined {
  if (minute >= thresholds.minute) return { refusals: minute, windowSeconds: 60 };
  if (hour >= thresholds.hour) return { refusals: hour, windowSeconds: 3_600 };
  return undefined;
}

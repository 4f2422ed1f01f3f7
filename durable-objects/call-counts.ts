/**
 * Counts ordinary API calls of each person and automation key, so that the ledger has them without an entry each. A call
 * costs an addition in memory; every few seconds the sums go to the object's SQLite, and once an hour into the ledger.
 * A killed process loses the calls of those few seconds, nothing else.
 */
import type { LedgerDraft } from "../protocol/ledger.ts";
import { CALL_COUNT_SECONDS } from "../protocol/limits.ts";

export interface Caller {
  readonly kind: "person" | "automation";
  readonly id: string;
}

/** Far below the time after which an idle object is evicted. */
const FLUSH_MILLISECONDS = 5_000;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS call_counts (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  since INTEGER NOT NULL,
  total INTEGER NOT NULL,
  started INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;
`;

type Row = Record<string, SqlStorageValue> & {
  readonly kind: Caller["kind"];
  readonly id: string;
  /** Since the last entry. */
  readonly since: number;
  /** Since the first call ever. */
  readonly total: number;
  /** The first call that no entry counts yet, edge clock, seconds. */
  readonly started: number;
};

interface Pending {
  readonly caller: Caller;
  readonly started: number;
  calls: number;
}

export interface DueCount {
  readonly caller: Caller;
  readonly draft: LedgerDraft;
  readonly since: number;
}

export class CallCounts {
  readonly #sql: SqlStorage;
  /** In memory only, for `FLUSH_MILLISECONDS`. */
  readonly #pending = new Map<string, Pending>();
  readonly #onFlush: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onFlush`: there is something that will be due. */
  constructor(sql: SqlStorage, onFlush: () => void) {
    this.#sql = sql;
    this.#onFlush = onFlush;
    sql.exec(SCHEMA);
  }

  /** `now`: edge clock, seconds. */
  add(caller: Caller, now: number): void {
    const key = `${caller.kind}:${caller.id}`;
    const held = this.#pending.get(key);
    if (held === undefined) this.#pending.set(key, { caller, started: now, calls: 1 });
    else held.calls += 1;
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MILLISECONDS);
  }

  flush(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.size === 0) return;
    for (const { caller, started, calls } of this.#pending.values()) {
      this.#sql.exec(
        `INSERT INTO call_counts VALUES (?1, ?2, ?3, ?3, ?4) ON CONFLICT DO UPDATE SET
           started = iif(since = 0, excluded.started, started), since = since + ?3, total = total + ?3`,
        caller.kind,
        caller.id,
        calls,
        started,
      );
    }
    this.#pending.clear();
    this.#onFlush();
  }

  /** When the oldest calls that no entry counts are to become one, seconds. */
  nextDue(): number | undefined {
    const [row] = this.#sql
      .exec<{ started: number | null }>("SELECT MIN(started) AS started FROM call_counts WHERE since > 0")
      .toArray();
    const started = row?.started ?? undefined;
    return started === undefined ? undefined : started + CALL_COUNT_SECONDS;
  }

  /** The entries to write now. The total is their subject, so that one count is written once. */
  due(now: number): readonly DueCount[] {
    this.flush();
    return this.#sql
      .exec<Row>("SELECT * FROM call_counts WHERE since > 0 AND started <= ?1", now - CALL_COUNT_SECONDS)
      .toArray()
      .map(({ kind, id, since, total }) => ({
        caller: { kind, id },
        since,
        draft: {
          actor: { kind, id },
          action: "calls.counted",
          detail: { calls: { since, total } },
          subject: `${kind}:${id}:${total}`,
        },
      }));
  }

  /** Its entry is written. Calls that came meanwhile are in the next. */
  written({ caller, since }: DueCount, now: number): void {
    this.#sql.exec(
      "UPDATE call_counts SET since = since - ?3, started = ?4 WHERE kind = ?1 AND id = ?2",
      caller.kind,
      caller.id,
      since,
      now,
    );
  }
}

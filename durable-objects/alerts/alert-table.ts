/**
 * Alerts in the object's own SQLite, with the ledger entries and the messages that each step still owes. Synchronous: a
 * step and what it owes commit together.
 */
import type { AlertDetail, AlertKind, AlertRow, AlertState } from "../../protocol/alerts.ts";
import { isAlertKind } from "../../protocol/alerts.ts";
import type { LedgerDraft } from "../../protocol/ledger.ts";
import { Identity } from "../identity.ts";

export interface NewAlert {
  readonly kind: AlertKind;
  /** What it is about: while an alert of this kind and subject is not resolved, there is no second. */
  readonly subject: string;
  readonly host?: string;
  readonly person?: string;
  readonly session?: string;
  readonly detail?: AlertDetail;
}

export type StoredAlert = Omit<AlertRow, "deliveries"> & { readonly subject: string };

type Row = Record<string, SqlStorageValue> & {
  readonly alert: string;
  readonly kind: string;
  readonly subject: string;
  readonly state: string;
  readonly host: string | null;
  readonly person: string | null;
  readonly session: string | null;
  readonly detail: string;
  readonly raised_at: number;
  readonly times: number;
  readonly last_at: number;
  readonly acknowledged_at: number | null;
  readonly acknowledged_by: string | null;
  readonly resolved_at: number | null;
  readonly resolved_by: string | null;
};

const SCHEMA = `
CREATE TABLE IF NOT EXISTS alert_identity (one INTEGER PRIMARY KEY CHECK (one = 1), workspace TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alerts (
  alert TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  state TEXT NOT NULL,
  host TEXT,
  person TEXT,
  session TEXT,
  detail TEXT NOT NULL,
  raised_at INTEGER NOT NULL,
  times INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  acknowledged_at INTEGER,
  acknowledged_by TEXT,
  resolved_at INTEGER,
  resolved_by TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS alerts_live ON alerts (kind, subject) WHERE state <> 'resolved';
CREATE TABLE IF NOT EXISTS alert_entries (id INTEGER PRIMARY KEY AUTOINCREMENT, draft TEXT NOT NULL);
`;

export interface Step {
  readonly at: number;
  /** A person; absent: the edge itself. */
  readonly by?: string;
}

export class AlertTable {
  readonly #sql: SqlStorage;
  readonly #identity: Identity;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
    this.#identity = new Identity(sql, "alert_identity");
  }

  /** @throws {TypeError} for the object of another workspace */
  identify(workspace: string): void {
    this.#identity.identify(workspace);
  }

  workspace(): string | undefined {
    return this.#identity.workspace;
  }

  /** The alert that is not resolved yet, counted once more; undefined: there is none. */
  again({ kind, subject, detail }: NewAlert, now: number): StoredAlert | undefined {
    return this.#read(
      "UPDATE alerts SET times = times + 1, last_at = ?, detail = ? WHERE kind = ? AND subject = ? AND state <> 'resolved' RETURNING *",
      now,
      JSON.stringify(detail ?? {}),
      kind,
      subject,
    )[0];
  }

  insert(alert: string, { kind, subject, host, person, session, detail }: NewAlert, now: number): void {
    this.#sql.exec(
      "INSERT INTO alerts (alert, kind, subject, state, host, person, session, detail, raised_at, times, last_at) VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?, 1, ?)",
      alert,
      kind,
      subject,
      host ?? null,
      person ?? null,
      session ?? null,
      JSON.stringify(detail ?? {}),
      now,
      now,
    );
  }

  find(alert: string): StoredAlert | undefined {
    return this.#read("SELECT * FROM alerts WHERE alert = ?", alert)[0];
  }

  /** What is not resolved first, then newest first. */
  list(limit: number): readonly StoredAlert[] {
    return this.#read("SELECT * FROM alerts ORDER BY state = 'resolved', raised_at DESC, alert LIMIT ?", limit);
  }

  live(kind: AlertKind): readonly StoredAlert[] {
    return this.#read("SELECT * FROM alerts WHERE kind = ? AND state <> 'resolved'", kind);
  }

  /** False when it was acknowledged or resolved before. */
  acknowledge(alert: string, { at, by }: Step): boolean {
    const changed = this.#sql.exec(
      "UPDATE alerts SET state = 'acknowledged', acknowledged_at = ?, acknowledged_by = ? WHERE alert = ? AND state = 'open' RETURNING alert",
      at,
      by ?? null,
      alert,
    );
    return changed.toArray().length > 0;
  }

  /** False when it was resolved before. */
  resolve(alert: string, { at, by }: Step): boolean {
    const changed = this.#sql.exec(
      "UPDATE alerts SET state = 'resolved', resolved_at = ?, resolved_by = ? WHERE alert = ? AND state <> 'resolved' RETURNING alert",
      at,
      by ?? null,
      alert,
    );
    return changed.toArray().length > 0;
  }

  /** Keeps the newest resolved ones: the ledger has them all. */
  forgetResolvedBeyond(kept: number): void {
    this.#sql.exec(
      "DELETE FROM alerts WHERE state = 'resolved' AND alert NOT IN (SELECT alert FROM alerts WHERE state = 'resolved' ORDER BY resolved_at DESC, alert LIMIT ?)",
      kept,
    );
  }

  // ---- ledger entries that are still owed ----

  owe(draft: LedgerDraft): void {
    this.#sql.exec("INSERT INTO alert_entries (draft) VALUES (?)", JSON.stringify(draft));
  }

  owed(): readonly { readonly id: number; readonly draft: LedgerDraft }[] {
    return this.#sql
      .exec<{ id: number; draft: string }>("SELECT id, draft FROM alert_entries ORDER BY id LIMIT 64")
      .toArray()
      .map(({ id, draft }) => ({ id, draft: JSON.parse(draft) as LedgerDraft })); // our own row
  }

  settle(id: number): void {
    this.#sql.exec("DELETE FROM alert_entries WHERE id = ?", id);
  }

  #read(query: string, ...parameters: SqlStorageValue[]): readonly StoredAlert[] {
    return this.#sql
      .exec<Row>(query, ...parameters)
      .toArray()
      .flatMap((row) => (isAlertKind(row.kind) ? [toAlert(row, row.kind)] : []));
  }
}

function toAlert(row: Row, kind: AlertKind): StoredAlert {
  const { host, person, session } = row;
  const acknowledged = stepOf(row.acknowledged_at, row.acknowledged_by);
  const resolved = stepOf(row.resolved_at, row.resolved_by);
  return {
    alert: row.alert,
    kind,
    subject: row.subject,
    state: row.state as AlertState,
    ...(host === null ? {} : { host }),
    ...(person === null ? {} : { person }),
    ...(session === null ? {} : { session }),
    detail: JSON.parse(row.detail) as AlertDetail, // our own row
    raisedAt: row.raised_at,
    times: row.times,
    lastAt: row.last_at,
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(resolved === undefined ? {} : { resolved }),
  };
}

function stepOf(at: number | null, by: string | null): Step | undefined {
  if (at === null) return undefined;
  return by === null ? { at } : { at, by };
}

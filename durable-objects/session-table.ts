/** Sessions in the object's own SQLite. The cookie itself is never stored, only its hash. */
import { toBase64url, utf8 } from "../protocol/bytes.ts";
import { sha256Of } from "../protocol/signing.ts";

export interface SessionRecord {
  /** digest(session): its name everywhere. */
  readonly session: string;
  readonly person: string;
  readonly sessionKey: string;
  readonly origin: string;
  /** base64url of the sign-in's canonical bytes (an Asserted): what hosts ask to see. */
  readonly certificate: string;
  /** Edge clock, seconds. */
  readonly expires: number;
  readonly lastSeen: number;
}

type Row = Record<string, SqlStorageValue> & {
  readonly session: string;
  readonly person: string;
  readonly session_key: string;
  readonly origin: string;
  readonly certificate: string;
  readonly expires: number;
  readonly last_seen: number;
};

const SCHEMA = `
CREATE TABLE IF NOT EXISTS sessions (
  session TEXT PRIMARY KEY NOT NULL,
  cookie_hash TEXT NOT NULL UNIQUE,
  person TEXT NOT NULL,
  session_key TEXT NOT NULL,
  origin TEXT NOT NULL,
  certificate TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS used_requests (jti TEXT PRIMARY KEY NOT NULL, until INTEGER NOT NULL);
`;

export function hashCookie(cookie: string): string {
  return toBase64url(sha256Of(utf8(cookie)));
}

export class SessionTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  insert(record: SessionRecord, cookieHash: string): void {
    const { session, person, sessionKey, origin, certificate, expires, lastSeen } = record;
    this.#sql.exec(
      "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      session,
      cookieHash,
      person,
      sessionKey,
      origin,
      certificate,
      lastSeen,
      expires,
      lastSeen,
    );
  }

  byCookie(cookieHash: string): SessionRecord | undefined {
    return this.#records("SELECT * FROM sessions WHERE cookie_hash = ?", cookieHash)[0];
  }

  bySession(session: string): SessionRecord | undefined {
    return this.#records("SELECT * FROM sessions WHERE session = ?", session)[0];
  }

  /** Oldest first. */
  ofPerson(person: string): readonly SessionRecord[] {
    return this.#records("SELECT * FROM sessions WHERE person = ? ORDER BY rowid", person);
  }

  touch(session: string, now: number): void {
    this.#sql.exec("UPDATE sessions SET last_seen = ? WHERE session = ?", now, session);
  }

  delete(session: string): boolean {
    return this.#sql.exec("DELETE FROM sessions WHERE session = ? RETURNING session", session).toArray().length > 0;
  }

  deleteExpired(now: number): void {
    this.#sql.exec("DELETE FROM sessions WHERE expires <= ?", now);
    this.#sql.exec("DELETE FROM used_requests WHERE until < ?", now);
  }

  /** False when this write request was seen before. */
  useOnce(jti: string, until: number): boolean {
    return (
      this.#sql.exec("INSERT OR IGNORE INTO used_requests VALUES (?, ?) RETURNING jti", jti, until).toArray().length > 0
    );
  }

  count(): { readonly sessions: number; readonly people: number } {
    const row = this.#sql
      .exec<{ sessions: number; people: number }>(
        "SELECT COUNT(*) AS sessions, COUNT(DISTINCT person) AS people FROM sessions",
      )
      .one();
    return { sessions: row.sessions, people: row.people };
  }

  #records(query: string, ...parameters: SqlStorageValue[]): readonly SessionRecord[] {
    return this.#sql
      .exec<Row>(query, ...parameters)
      .toArray()
      .map((row) => ({
        session: row.session,
        person: row.person,
        sessionKey: row.session_key,
        origin: row.origin,
        certificate: row.certificate,
        expires: row.expires,
        lastSeen: row.last_seen,
      }));
  }
}

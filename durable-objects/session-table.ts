/** Sessions in the object's own SQLite. The cookie itself is never stored, only its hash. */
import { toBase64url, utf8 } from "../protocol/bytes.ts";
import { sha256Of } from "../protocol/signing.ts";
import { Identity } from "./identity.ts";

export interface SessionRecord {
  /** digest(session): its name everywhere. */
  readonly session: string;
  readonly person: string;
  /** Id of the passkey that certified it. */
  readonly credential: string;
  /** The key of requests now: the first one, or the successor that a touch named. */
  readonly sessionKey: string;
  readonly origin: string;
  /** base64url of the sign-in's canonical bytes (an Asserted): what hosts ask to see. */
  readonly certificate: string;
  /** A few words about browser and system, as the sign-in's request named them. */
  readonly device: string;
  /** Index of `session.started` in the ledger, which commits to the address. */
  readonly ledgerIndex: number;
  /** Without a request for so long, it ends. */
  readonly idleSeconds: number;
  /** Edge clock, seconds; so are the next two. */
  readonly startedAt: number;
  /** Its signed end, or the end of its person's roles where that comes sooner. */
  readonly expires: number;
  readonly lastSeen: number;
}

/** With the key before the present one, for requests that were under way when it changed. */
export interface StoredSession extends SessionRecord {
  readonly previous: { readonly key: string; readonly until: number } | undefined;
}

/** What the trust log lets the sessions of one person do, as of its newest statement. */
export interface PersonTerm {
  readonly person: string;
  readonly idleSeconds: number;
  /** The first second without a role, where the log says so already. */
  readonly rolesEnd: number | undefined;
}

type Row = Record<string, SqlStorageValue> & {
  readonly session: string;
  readonly person: string;
  readonly credential: string;
  readonly session_key: string;
  readonly previous_key: string | null;
  readonly previous_until: number | null;
  readonly origin: string;
  readonly certificate: string;
  readonly device: string;
  readonly ledger_index: number;
  readonly idle_seconds: number;
  readonly created: number;
  readonly expires: number;
  readonly last_seen: number;
  readonly roles_end: number | null;
};

/** The first version's table lacked most columns; whoever was signed in by it signs in again. */
const SCHEMA = `
DROP TABLE IF EXISTS sessions;
CREATE TABLE IF NOT EXISTS session_identity (one INTEGER PRIMARY KEY CHECK (one = 1), workspace TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sign_ins (
  session TEXT PRIMARY KEY NOT NULL,
  cookie_hash TEXT NOT NULL UNIQUE,
  person TEXT NOT NULL,
  credential TEXT NOT NULL,
  session_key TEXT NOT NULL,
  previous_key TEXT,
  previous_until INTEGER,
  origin TEXT NOT NULL,
  certificate TEXT NOT NULL,
  device TEXT NOT NULL,
  ledger_index INTEGER NOT NULL,
  idle_seconds INTEGER NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS role_ends (person TEXT PRIMARY KEY NOT NULL, roles_end INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS session_keys (session TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (session, key));
CREATE TABLE IF NOT EXISTS session_ends (session TEXT PRIMARY KEY NOT NULL, signed TEXT NOT NULL, until INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS used_requests (jti TEXT PRIMARY KEY NOT NULL, until INTEGER NOT NULL);
`;

/** Of sign-ins with the end of their person's roles beside them. */
const SIGN_INS = "sign_ins LEFT JOIN role_ends USING (person)";
const END = "MIN(expires, COALESCE(roles_end, expires))";
const IS_LIVE = `${END} > ?1 AND ?1 - last_seen <= idle_seconds`;

export function hashCookie(cookie: string): string {
  return toBase64url(sha256Of(utf8(cookie)));
}

export class SessionTable {
  readonly #sql: SqlStorage;
  readonly #identity: Identity;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
    this.#identity = new Identity(sql, "session_identity");
  }

  /** @throws {TypeError} for the object of another workspace */
  identify(workspace: string): void {
    this.#identity.identify(workspace);
  }

  workspace(): string | undefined {
    return this.#identity.workspace;
  }

  insert(record: SessionRecord, cookieHash: string): void {
    this.#sql.exec(
      "INSERT INTO sign_ins VALUES (?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
      record.session,
      cookieHash,
      record.person,
      record.credential,
      record.sessionKey,
      record.origin,
      record.certificate,
      record.device,
      record.ledgerIndex,
      record.idleSeconds,
      record.startedAt,
      record.expires,
      record.lastSeen,
    );
    this.useKey(record.session, record.sessionKey);
  }

  /** False when the key was this session's before: an old approval must not bring an old key back. */
  useKey(session: string, key: string): boolean {
    const rows = this.#sql.exec("INSERT OR IGNORE INTO session_keys VALUES (?, ?) RETURNING key", session, key);
    return rows.toArray().length > 0;
  }

  /** `until`: end of the present key's grace. */
  succeed(session: string, key: string, until: number): void {
    this.#sql.exec(
      "UPDATE sign_ins SET previous_key = session_key, previous_until = ?, session_key = ? WHERE session = ?",
      until,
      key,
      session,
    );
  }

  byCookie(cookieHash: string): StoredSession | undefined {
    return this.#records(`SELECT * FROM ${SIGN_INS} WHERE cookie_hash = ?`, cookieHash)[0];
  }

  bySession(session: string): StoredSession | undefined {
    return this.#records(`SELECT * FROM ${SIGN_INS} WHERE session = ?`, session)[0];
  }

  /** Oldest first. */
  ofPerson(person: string): readonly SessionRecord[] {
    return this.#records(`SELECT * FROM ${SIGN_INS} WHERE person = ? ORDER BY sign_ins.rowid`, person);
  }

  /** Oldest first. */
  live(now: number): readonly SessionRecord[] {
    return this.#records(`SELECT * FROM ${SIGN_INS} WHERE ${IS_LIVE} ORDER BY sign_ins.rowid`, now);
  }

  over(now: number): readonly SessionRecord[] {
    return this.#records(`SELECT * FROM ${SIGN_INS} WHERE NOT (${IS_LIVE}) ORDER BY sign_ins.rowid`, now);
  }

  /** When the first session would be over, if nobody made another request. */
  nextEnd(): number | undefined {
    const row = this.#sql
      .exec<{ next: number | null }>(`SELECT MIN(MIN(${END}, last_seen + idle_seconds + 1)) AS next FROM ${SIGN_INS}`)
      .one();
    return row.next ?? undefined;
  }

  /** For all sessions of the person, those that are open and those to come. */
  setTerm({ person, idleSeconds, rolesEnd }: PersonTerm): void {
    this.#sql.exec("UPDATE sign_ins SET idle_seconds = ? WHERE person = ?", idleSeconds, person);
    if (rolesEnd === undefined) this.#sql.exec("DELETE FROM role_ends WHERE person = ?", person);
    else this.#sql.exec("INSERT OR REPLACE INTO role_ends VALUES (?, ?)", person, rolesEnd);
  }

  touch(session: string, now: number): void {
    this.#sql.exec("UPDATE sign_ins SET last_seen = ? WHERE session = ?", now, session);
  }

  delete(session: string): boolean {
    this.#sql.exec("DELETE FROM session_keys WHERE session = ?", session);
    return this.#sql.exec("DELETE FROM sign_ins WHERE session = ? RETURNING session", session).toArray().length > 0;
  }

  /** JSON of a signed session-end, for hosts that were not there; until the sign-in could not count any more anyway. */
  addEnd(session: string, signed: string, until: number): void {
    this.#sql.exec("INSERT OR IGNORE INTO session_ends VALUES (?, ?, ?)", session, signed, until);
  }

  ends(now: number): readonly string[] {
    return this.#sql
      .exec<{ signed: string }>(
        // One word can end several sessions, and is told once.
        "SELECT signed FROM session_ends WHERE until >= ? GROUP BY signed ORDER BY MIN(rowid)",
        now,
      )
      .toArray()
      .map(({ signed }) => signed);
  }

  forget(now: number): void {
    this.#sql.exec("DELETE FROM session_ends WHERE until < ?", now);
    this.#sql.exec("DELETE FROM used_requests WHERE until < ?", now);
    this.#sql.exec("DELETE FROM role_ends WHERE person NOT IN (SELECT person FROM sign_ins)");
  }

  /** False when this write request was seen before. */
  useOnce(jti: string, until: number): boolean {
    return (
      this.#sql.exec("INSERT OR IGNORE INTO used_requests VALUES (?, ?) RETURNING jti", jti, until).toArray().length > 0
    );
  }

  count(now: number): { readonly sessions: number; readonly people: number } {
    const row = this.#sql
      .exec<{ sessions: number; people: number }>(
        `SELECT COUNT(*) AS sessions, COUNT(DISTINCT person) AS people FROM ${SIGN_INS} WHERE ${IS_LIVE}`,
        now,
      )
      .one();
    return { sessions: row.sessions, people: row.people };
  }

  #records(query: string, ...parameters: SqlStorageValue[]): readonly StoredSession[] {
    return this.#sql
      .exec<Row>(query, ...parameters)
      .toArray()
      .map((row) => ({
        session: row.session,
        person: row.person,
        credential: row.credential,
        sessionKey: row.session_key,
        previous:
          row.previous_key === null || row.previous_until === null
            ? undefined
            : { key: row.previous_key, until: row.previous_until },
        origin: row.origin,
        certificate: row.certificate,
        device: row.device,
        ledgerIndex: row.ledger_index,
        idleSeconds: row.idle_seconds,
        startedAt: row.created,
        expires: Math.min(row.expires, row.roles_end ?? row.expires),
        lastSeen: row.last_seen,
      }));
  }
}

/**
 * Streams in the object's own SQLite: where each stands, what it is sending now, what was set aside. Synchronous: what
 * belongs together commits together. Knows no secret: those are sealed before they come here.
 */
import * as v from "valibot";
import type { DeliveryFault } from "../../protocol/alerts.ts";
import { ledgerFilterSchema } from "../../protocol/contracts/ledger.ts";
import type { ExportFormat } from "../../protocol/ledger.ts";
import type { Range } from "./batch.ts";
import type { Aside, NewStream, Pending, StoredStream } from "./stream.ts";
import { Identity } from "../identity.ts";

type Row = Record<string, SqlStorageValue> & {
  readonly stream: string;
  readonly label: string;
  readonly far_end: string;
  readonly sealed: string;
  readonly format: string;
  readonly filter: string;
  readonly since: number;
  readonly paused: number;
  readonly cursor: number;
  readonly last_sent_at: number | null;
  readonly fault: string | null;
  readonly attempts: number;
  readonly refusals: number;
  readonly retry_at: number | null;
  readonly failing_since: number | null;
  readonly alerted: number;
  readonly overlap_until: number | null;
  readonly named: number;
  readonly message: string | null;
  readonly message_first: number | null;
  readonly message_last: number | null;
  readonly message_aside: number | null;
};

type AsideRow = Record<string, SqlStorageValue> & {
  readonly id: number;
  readonly first: number;
  readonly last: number;
  readonly fault: string;
  readonly at: number;
};

const SCHEMA = `
CREATE TABLE IF NOT EXISTS stream_identity (one INTEGER PRIMARY KEY CHECK (one = 1), workspace TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS streams (
  stream TEXT PRIMARY KEY NOT NULL,
  label TEXT NOT NULL,
  far_end TEXT NOT NULL,
  sealed TEXT NOT NULL,
  format TEXT NOT NULL,
  filter TEXT NOT NULL,
  since INTEGER NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  cursor INTEGER NOT NULL,
  last_sent_at INTEGER,
  fault TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  refusals INTEGER NOT NULL DEFAULT 0,
  retry_at INTEGER,
  failing_since INTEGER,
  alerted INTEGER NOT NULL DEFAULT 0,
  overlap_until INTEGER,
  named INTEGER NOT NULL DEFAULT 0,
  message TEXT,
  message_first INTEGER,
  message_last INTEGER,
  message_aside INTEGER
);
CREATE TABLE IF NOT EXISTS stream_asides (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  stream TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  fault TEXT NOT NULL,
  at INTEGER NOT NULL,
  queued INTEGER NOT NULL DEFAULT 0
);`;

const NO_TROUBLE = "fault = NULL, attempts = 0, refusals = 0, retry_at = NULL, failing_since = NULL";
const NO_MESSAGE = "message = NULL, message_first = NULL, message_last = NULL, message_aside = NULL";

export class StreamTable {
  readonly #sql: SqlStorage;
  readonly #identity: Identity;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
    this.#identity = new Identity(sql, "stream_identity");
  }

  /** @throws {TypeError} for the object of another workspace */
  identify(workspace: string): void {
    this.#identity.identify(workspace);
  }

  workspace(): string | undefined {
    return this.#identity.workspace;
  }

  // ---- what people set ----

  insert({ stream, label, to, sealed, format, filter, cursor }: NewStream, now: number): void {
    this.#sql.exec(
      "INSERT INTO streams (stream, label, far_end, sealed, format, filter, since, cursor) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      stream,
      label,
      to,
      sealed,
      format,
      JSON.stringify(filter),
      now,
      cursor,
    );
  }

  remove(stream: string): void {
    this.#sql.exec("DELETE FROM streams WHERE stream = ?", stream);
    this.#sql.exec("DELETE FROM stream_asides WHERE stream = ?", stream);
  }

  seal(stream: string, sealed: string, overlapUntil: number): void {
    this.#sql.exec("UPDATE streams SET sealed = ?, overlap_until = ? WHERE stream = ?", sealed, overlapUntil, stream);
  }

  pause(stream: string): void {
    this.#sql.exec("UPDATE streams SET paused = 1, retry_at = NULL WHERE stream = ?", stream);
  }

  /** At once, whatever it waited for. */
  resume(stream: string): void {
    this.#sql.exec(`UPDATE streams SET paused = 0, ${NO_TROUBLE} WHERE stream = ?`, stream);
  }

  /** What was set aside from there on is sent again anyway. */
  rewind(stream: string, from: number): void {
    this.#sql.exec(
      `UPDATE streams SET cursor = MIN(cursor, ?), ${NO_MESSAGE}, ${NO_TROUBLE} WHERE stream = ?`,
      from - 1,
      stream,
    );
    this.#sql.exec("DELETE FROM stream_asides WHERE stream = ? AND first >= ?", stream, from);
  }

  /** Before anything new; a message that waits is named again later. */
  queueAsides(stream: string): void {
    this.#sql.exec("UPDATE stream_asides SET queued = 1 WHERE stream = ?", stream);
    this.#sql.exec(`UPDATE streams SET ${NO_MESSAGE}, ${NO_TROUBLE} WHERE stream = ?`, stream);
  }

  // ---- what is read ----

  find(stream: string): StoredStream | undefined {
    return this.#read("SELECT * FROM streams WHERE stream = ?", stream)[0];
  }

  /** Oldest first. */
  list(): readonly StoredStream[] {
    return this.#read("SELECT * FROM streams ORDER BY since, stream");
  }

  asides(stream: string): readonly Aside[] {
    return this.#asides("SELECT * FROM stream_asides WHERE stream = ? ORDER BY first, id", stream);
  }

  /** What was set aside and is to be sent again, the oldest entries first. */
  queued(stream: string): Aside | undefined {
    return this.#asides(
      "SELECT * FROM stream_asides WHERE stream = ? AND queued = 1 ORDER BY first, id LIMIT 1",
      stream,
    )[0];
  }

  // ---- what sending does ----

  /** Named before the first attempt: whoever dies in between sends the same message under the same name. */
  name({ stream, named }: StoredStream, range: Range, aside: number | undefined): Pending {
    const message = `msg_${stream}_${named + 1}`;
    this.#sql.exec(
      "UPDATE streams SET named = named + 1, message = ?, message_first = ?, message_last = ?, message_aside = ? WHERE stream = ?",
      message,
      range.first,
      range.last,
      aside ?? null,
      stream,
    );
    return { ...range, message, aside };
  }

  /** Nothing in between was for this far end. */
  skip(stream: string, cursor: number): void {
    this.#sql.exec("UPDATE streams SET cursor = ? WHERE stream = ? AND cursor < ?", cursor, stream, cursor);
  }

  /** False: meanwhile somebody changed what this stream does, and the attempt counts for nothing. */
  sent(stream: string, { message, last, aside }: Pending, now: number): boolean {
    const change = aside === undefined ? "cursor = message_last" : "cursor = cursor"; // what was set aside lies behind the cursor
    const changed = this.#changed(
      `UPDATE streams SET ${change}, last_sent_at = ?, ${NO_MESSAGE}, ${NO_TROUBLE} WHERE stream = ? AND message = ? RETURNING stream`,
      now,
      stream,
      message,
    );
    if (changed && aside !== undefined) this.#forgetAside(aside, last);
    return changed;
  }

  /** A range may be longer than one message. */
  #forgetAside(aside: number, upTo: number): void {
    this.#sql.exec("UPDATE stream_asides SET first = ? WHERE id = ?", upTo + 1, aside);
    this.#sql.exec("DELETE FROM stream_asides WHERE id = ? AND first > last", aside);
  }

  wait(
    { stream, message }: { readonly stream: string; readonly message: string },
    { fault, refused, retryAt, now }: { fault: DeliveryFault; refused: boolean; retryAt: number; now: number },
  ): void {
    this.#sql.exec(
      `UPDATE streams SET fault = ?, attempts = attempts + 1, refusals = refusals + ?, retry_at = ?,
       failing_since = COALESCE(failing_since, ?) WHERE stream = ? AND message = ?`,
      fault,
      refused ? 1 : 0,
      retryAt,
      now,
      stream,
      message,
    );
  }

  /** False as for `sent`. */
  setAside(
    stream: string,
    pending: Pending,
    { fault, now }: { readonly fault: DeliveryFault; readonly now: number },
  ): boolean {
    const { message, first, last, aside } = pending;
    const change = aside === undefined ? "cursor = message_last, " : "";
    const changed = this.#changed(
      `UPDATE streams SET ${change}${NO_MESSAGE}, ${NO_TROUBLE}, fault = ? WHERE stream = ? AND message = ? RETURNING stream`,
      fault,
      stream,
      message,
    );
    if (!changed) return false;
    if (aside !== undefined) this.#forgetAside(aside, last);
    this.#addAside(stream, { first, last, fault, at: now });
    return true;
  }

  /** Behind one that ended right before: a far end that refuses everything makes one range, not thousands. */
  #addAside(stream: string, { first, last, fault, at }: Omit<Aside, "id">): void {
    const extended = this.#changed(
      "UPDATE stream_asides SET last = ?, at = ? WHERE stream = ? AND queued = 0 AND fault = ? AND last = ? RETURNING id",
      last,
      at,
      stream,
      fault,
      first - 1,
    );
    if (extended) return;
    this.#sql.exec(
      "INSERT INTO stream_asides (stream, first, last, fault, at) VALUES (?, ?, ?, ?, ?)",
      stream,
      first,
      last,
      fault,
      at,
    );
  }

  /** The far end said that it is gone. The message stays, for whoever resumes. */
  gone(stream: string, message: string): void {
    this.#sql.exec(
      "UPDATE streams SET paused = 1, fault = 'gone', retry_at = NULL WHERE stream = ? AND message = ?",
      stream,
      message,
    );
  }

  /** Its entries are not there any more: a policy dropped them. */
  dropMessage(stream: string, { message, last, aside }: Pending): void {
    const change = aside === undefined ? "cursor = message_last, " : "";
    const changed = this.#changed(
      `UPDATE streams SET ${change}${NO_MESSAGE} WHERE stream = ? AND message = ? RETURNING stream`,
      stream,
      message,
    );
    if (changed && aside !== undefined) this.#forgetAside(aside, last);
  }

  setAlerted(stream: string, alerted: boolean): void {
    this.#sql.exec("UPDATE streams SET alerted = ? WHERE stream = ?", alerted ? 1 : 0, stream);
  }

  #changed(query: string, ...parameters: SqlStorageValue[]): boolean {
    return this.#sql.exec(query, ...parameters).toArray().length > 0;
  }

  #asides(query: string, ...parameters: SqlStorageValue[]): readonly Aside[] {
    return this.#sql
      .exec<AsideRow>(query, ...parameters)
      .toArray()
      .map(({ id, first, last, fault, at }) => ({ id, first, last, fault: fault as DeliveryFault, at })); // our own rows
  }

  #read(query: string, ...parameters: SqlStorageValue[]): readonly StoredStream[] {
    return this.#sql
      .exec<Row>(query, ...parameters)
      .toArray()
      .map((row) => toStream(row));
  }
}

function toStream(row: Row): StoredStream {
  return {
    stream: row.stream,
    label: row.label,
    to: row.far_end,
    sealed: row.sealed,
    format: row.format as ExportFormat, // our own row
    filter: v.parse(ledgerFilterSchema, JSON.parse(row.filter)),
    since: row.since,
    paused: row.paused === 1,
    cursor: row.cursor,
    lastSentAt: row.last_sent_at ?? undefined,
    fault: (row.fault ?? undefined) as DeliveryFault | undefined, // our own row
    attempts: row.attempts,
    refusals: row.refusals,
    retryAt: row.retry_at ?? undefined,
    failingSince: row.failing_since ?? undefined,
    alerted: row.alerted === 1,
    overlapUntil: row.overlap_until ?? undefined,
    named: row.named,
    pending: toPending(row),
  };
}

function toPending({
  message,
  message_first: first,
  message_last: last,
  message_aside: aside,
}: Row): Pending | undefined {
  if (message === null || first === null || last === null) return undefined;
  return { message, first, last, aside: aside ?? undefined };
}

/**
 * What the writer remembers of what it signed, in its own SQLite, so that a database that was rolled back beneath it does
 * not become the past. Synchronous; nothing here is read from the database that it is compared with.
 */
import type { Checkpoints } from "../../protocol/contracts/ledger.ts";
import type { CheckpointView } from "../../protocol/ledger.ts";
import { Identity } from "../identity.ts";

/** Why nothing is signed, in the form that the page reads. */
export type CheckpointRefusal = NonNullable<Checkpoints["refused"]>;

/** A checkpoint that somebody holds: the log must contain it, or nothing is signed. */
export interface HeldView extends CheckpointView {
  /** Undefined: the writer itself. */
  readonly host: string | undefined;
}

export interface HeldCheckpoint extends CheckpointView {
  readonly note: string;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS ledger_identity (one INTEGER PRIMARY KEY CHECK (one = 1), workspace TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS signed (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  size INTEGER NOT NULL,
  root TEXT NOT NULL,
  note TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS shown (
  key TEXT NOT NULL,
  size INTEGER NOT NULL,
  root TEXT NOT NULL,
  host TEXT NOT NULL,
  PRIMARY KEY (key, size, root, host)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refusal (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  refusal TEXT NOT NULL,
  written INTEGER NOT NULL
);`;

type SignedRow = Record<string, SqlStorageValue> & HeldCheckpoint;
type ShownRow = Record<string, SqlStorageValue> & CheckpointView & { readonly host: string };
type RefusalRow = Record<string, SqlStorageValue> & { readonly refusal: string; readonly written: number };

export class LedgerMemory {
  readonly #sql: SqlStorage;
  readonly #identity: Identity;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
    this.#identity = new Identity(sql, "ledger_identity");
  }

  workspace(): string | undefined {
    return this.#identity.workspace;
  }

  /** @throws {TypeError} for the object of another workspace */
  identify(workspace: string): void {
    this.#identity.identify(workspace);
  }

  signed(): HeldCheckpoint | undefined {
    return this.#sql.exec<SignedRow>("SELECT size, root, note FROM signed").toArray()[0];
  }

  /** Before the note leaves this object. */
  rememberSigned({ size, root, note }: HeldCheckpoint): void {
    this.#sql.exec("INSERT OR REPLACE INTO signed (one, size, root, note) VALUES (1, ?, ?, ?)", size, root, note);
  }

  /**
   * What hosts hold and the log was not yet found to contain, as far as this ledger key signed it, so they are few. What an
   * earlier key signed counts no more: it was replaced because somebody else may have it.
   */
  shown(key: string): readonly HeldView[] {
    return this.#sql.exec<ShownRow>("SELECT size, root, host FROM shown WHERE key = ? ORDER BY size", key).toArray();
  }

  rememberShown(host: string, { size, root }: CheckpointView, key: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO shown (key, size, root, host) VALUES (?, ?, ?, ?)", key, size, root, host);
  }

  /** The log contains them, and what is signed from here on contains the log. Others may have come meanwhile. */
  forgetShown(views: readonly CheckpointView[]): void {
    for (const { size, root } of views) this.#sql.exec("DELETE FROM shown WHERE size = ? AND root = ?", size, root);
  }

  /** Its owner let the host forget, so it vouches for nothing that it had shown. What others have shown stays. */
  forgetShownBy(host: string): void {
    this.#sql.exec("DELETE FROM shown WHERE host = ?", host);
  }

  refusal(): CheckpointRefusal | undefined {
    const row = this.#refusalRow();
    return row === undefined ? undefined : (JSON.parse(row.refusal) as CheckpointRefusal);
  }

  /** Whether the ledger has an entry of the standing refusal. */
  isRefusalWritten(): boolean {
    return this.#refusalRow()?.written === 1;
  }

  rememberRefusal(refusal: CheckpointRefusal, { written }: { readonly written: boolean }): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO refusal (one, refusal, written) VALUES (1, ?, ?)",
      JSON.stringify(refusal),
      written ? 1 : 0,
    );
  }

  forgetRefusal(): void {
    this.#sql.exec("DELETE FROM refusal");
  }

  #refusalRow(): RefusalRow | undefined {
    return this.#sql.exec<RefusalRow>("SELECT refusal, written FROM refusal").toArray()[0];
  }
}

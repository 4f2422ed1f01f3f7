/**
 * Whose object this is. An object is named by its workspace, cannot read its name back, and is called by alarms that bring
 * no caller; so it keeps what its first caller said, and works for nobody else.
 */

/** Each with one row at most: `one INTEGER PRIMARY KEY CHECK (one = 1), workspace TEXT NOT NULL`. */
export type IdentityTable =
  | "alert_identity"
  | "ledger_identity"
  | "limit_identity"
  | "session_identity"
  | "stream_identity";

export class Identity {
  readonly #sql: SqlStorage;
  readonly #table: IdentityTable;
  /** Rebuilt from the row. */
  #workspace: string | undefined;

  /** The table is there. */
  constructor(sql: SqlStorage, table: IdentityTable) {
    this.#sql = sql;
    this.#table = table;
    this.#workspace = sql.exec<{ workspace: string }>(`SELECT workspace FROM ${table}`).toArray()[0]?.workspace;
  }

  /** Undefined before the first call. */
  get workspace(): string | undefined {
    return this.#workspace;
  }

  /** @throws {TypeError} for the object of another workspace */
  identify(workspace: string): void {
    if (this.#workspace === workspace) return;
    if (this.#workspace !== undefined) throw new TypeError(`${this.#table}: object of another workspace`);
    this.#sql.exec(`INSERT INTO ${this.#table} (one, workspace) VALUES (1, ?)`, workspace);
    this.#workspace = workspace;
  }
}

/**
 * What a host's object keeps in its own SQLite: the command sequence, receipts, the outbox to the ledger, and the last
 * known figures. Synchronous; a caller that writes twice in one turn writes in one transaction.
 */
import type { LedgerDraft } from "../../protocol/ledger.ts";
import type { Signed } from "../../protocol/messages.ts";
import type { CommandStatus } from "../../protocol/contracts.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";

export type CommandState = CommandStatus["state"];

export interface Identity {
  readonly workspace: string;
  readonly host: string;
}

export interface StoredCommand {
  /** Delivery order; bookkeeping of the edge, no part of the intent. */
  readonly number: number;
  readonly intent: string;
  /** Canonical JSON of the submission. */
  readonly submission: string;
  readonly state: CommandState;
  readonly code: RefusalCode | undefined;
  readonly receipt: Signed | undefined;
  /** Index of `command.accepted`, written before this row. */
  readonly ledgerIndex: number;
}

export type PlacedCommand = Pick<StoredCommand, "intent" | "submission" | "ledgerIndex">;

/** Between submission and ledger. `entry`: JSON of the draft. */
export interface HeldCommand {
  readonly intent: string;
  readonly submission: string;
  readonly entry: string;
}
type HeldRow = Record<string, SqlStorageValue> & HeldCommand;

export interface StoredReceipt {
  readonly digest: string;
  readonly intent: string;
  readonly number: number;
  readonly signed: Signed;
}

/** An entry the ledger still lacks, with the receipt it points to. */
export interface OutboxItem {
  readonly id: number;
  readonly draft: LedgerDraft;
  readonly receipt: StoredReceipt | undefined;
}

/** Bounds what one broken ledger can pile up here; commands are refused long before (they need the ledger first). */
export const MAX_OUTBOX_READ = 64;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), workspace TEXT NOT NULL, host TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS commands (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  intent TEXT NOT NULL UNIQUE,
  submission TEXT NOT NULL,
  ledger_index INTEGER NOT NULL,
  state TEXT NOT NULL,
  code TEXT,
  receipt_body TEXT,
  receipt_signature TEXT
);
CREATE TABLE IF NOT EXISTS held (intent TEXT PRIMARY KEY NOT NULL, submission TEXT NOT NULL, entry TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS commands_open ON commands (state);
CREATE TABLE IF NOT EXISTS receipts (
  digest TEXT PRIMARY KEY NOT NULL,
  intent TEXT NOT NULL,
  number INTEGER NOT NULL,
  body TEXT NOT NULL,
  signature TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS receipts_number ON receipts (number);
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, draft TEXT NOT NULL, receipt TEXT);
CREATE TABLE IF NOT EXISTS latest (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
`;

type CommandRow = Record<string, SqlStorageValue> & {
  readonly number: number;
  readonly intent: string;
  readonly submission: string;
  readonly ledger_index: number;
  readonly state: string;
  readonly code: string | null;
  readonly receipt_body: string | null;
  readonly receipt_signature: string | null;
};
type ReceiptRow = Record<string, SqlStorageValue> & {
  readonly digest: string;
  readonly intent: string;
  readonly number: number;
  readonly body: string;
  readonly signature: string;
};

/**
 * `telemetry` and `trust-ack`: JSON. `frozen`: yes or no. `witness`: refused or fine.
 * `witness-entries`, `odd-entries`: an hour since 1970, and how many entries the host's words of that kind made in it;
 * `certificate-requests` likewise, of its requests. `gateway-alarms`: kinds that were raised and not taken back.
 * `posture-alarms`: JSON (posture-alarms.ts).
 * `freeze`: the subject of the newest entry that told of one. `history`, `history-long`: JSON (history.ts).
 */
export type LatestName =
  | "telemetry"
  | "trust-ack"
  | "frozen"
  | "freeze"
  | "witness"
  | "witness-entries"
  | "odd-entries"
  | "certificate-requests"
  | "gateway-alarms"
  | "posture-alarms"
  | "look"
  | "history"
  | "history-long";

export class HostStore {
  readonly #sql: SqlStorage;
  /** Rebuilt: never changes once it is there. */
  #identity: { readonly workspace: string; readonly host: string } | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  /** Who this object is: learnt at its first call, needed by alarms and closing sockets, which bring no caller. */
  identity(): Identity | undefined {
    if (this.#identity !== undefined) return this.#identity;
    const [row] = this.#sql.exec<{ workspace: string; host: string }>("SELECT workspace, host FROM identity").toArray();
    if (row !== undefined) this.#identity = { workspace: row.workspace, host: row.host };
    return this.#identity;
  }

  /** @throws {TypeError} for the object of another host */
  identify({ workspace, host }: Identity): void {
    const known = this.identity();
    if (known === undefined) this.#sql.exec("INSERT INTO identity VALUES (1, ?, ?)", workspace, host);
    else if (known.workspace !== workspace || known.host !== host) throw new TypeError("object of another host");
  }

  /** @throws {TypeError} when nobody has called yet */
  requireIdentity(): Identity {
    const identity = this.identity();
    if (identity === undefined) throw new TypeError("host object without a name");
    return identity;
  }

  command(intent: string): StoredCommand | undefined {
    return this.#commands("SELECT * FROM commands WHERE intent = ?", intent)[0];
  }

  /** For whoever needs no more: a submission is long. Undefined for a command that has no place. */
  stateOf(intent: string): CommandState | undefined {
    const [row] = this.#sql.exec<{ state: string }>("SELECT state FROM commands WHERE intent = ?", intent).toArray();
    return row?.state as CommandState | undefined;
  }

  /** The next of the sequence after a place that has no final answer. */
  openCommandAfter(place: number): StoredCommand | undefined {
    return this.#commands(
      "SELECT * FROM commands WHERE state IN ('queued', 'delivered') AND number > ? ORDER BY number LIMIT 1",
      place,
    )[0];
  }

  /** How many up to a place have none. */
  openCommandsUpTo(place: number): number {
    const [row] = this.#sql
      .exec<{ open: number }>(
        "SELECT count(*) AS open FROM commands WHERE state IN ('queued', 'delivered') AND number <= ?",
        place,
      )
      .toArray();
    return row?.open ?? 0;
  }

  /** Keeps what is not in the ledger yet. It has no place, and nothing delivers it. */
  hold({ intent, submission, entry }: HeldCommand): void {
    this.#sql.exec("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", intent, submission, entry);
  }

  held(): readonly HeldCommand[] {
    return this.#sql.exec<HeldRow>("SELECT * FROM held ORDER BY rowid").toArray();
  }

  isHeld(intent: string): boolean {
    return this.#sql.exec("SELECT 1 FROM held WHERE intent = ?", intent).toArray().length > 0;
  }

  /** Something here waits for the ledger. */
  hasUnfinished(): boolean {
    const rows = this.#sql.exec("SELECT 1 FROM held UNION ALL SELECT 1 FROM outbox LIMIT 1");
    return rows.toArray().length > 0;
  }

  dropHeld(intent: string): void {
    this.#sql.exec("DELETE FROM held WHERE intent = ?", intent);
  }

  /** Gives an intent that is in the ledger its place; a known one keeps its own. */
  place({ intent, submission, ledgerIndex }: PlacedCommand): void {
    this.#sql.exec(
      "INSERT INTO commands (intent, submission, ledger_index, state) VALUES (?, ?, ?, 'queued') ON CONFLICT (intent) DO NOTHING",
      intent,
      submission,
      ledgerIndex,
    );
    this.dropHeld(intent);
  }

  markDelivered(intent: string): void {
    this.#sql.exec("UPDATE commands SET state = 'delivered' WHERE intent = ? AND state = 'queued'", intent);
  }

  /** False when the command is unknown or already has its final answer: an unsigned word changes nothing then. */
  markRefused(intent: string, code: RefusalCode): boolean {
    const rows = this.#sql.exec(
      "UPDATE commands SET state = 'refused', code = ? WHERE intent = ? AND state IN ('queued', 'delivered') RETURNING intent",
      code,
      intent,
    );
    return rows.toArray().length > 0;
  }

  /** A receipt is the last word, also over an earlier unsigned refusal. False when these very bytes are known. */
  addReceipt({ digest, intent, number, signed }: StoredReceipt): boolean {
    const added = this.#sql.exec(
      "INSERT OR IGNORE INTO receipts VALUES (?, ?, ?, ?, ?) RETURNING digest",
      digest,
      intent,
      number,
      signed.body,
      signed.signature,
    );
    if (added.toArray().length === 0) return false;
    this.#sql.exec(
      "UPDATE commands SET state = 'receipted', code = NULL, receipt_body = ?, receipt_signature = ? WHERE intent = ?",
      signed.body,
      signed.signature,
      intent,
    );
    return true;
  }

  /** Another receipt under the same number: the host's chain has forked (a restored or copied machine). */
  hasOtherReceipt(number: number, digest: string): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM receipts WHERE number = ? AND digest <> ?", number, digest).toArray().length > 0
    );
  }

  /** What this host signed under these numbers. */
  receiptsNumbered(numbers: readonly number[]): readonly Pick<StoredReceipt, "number" | "digest">[] {
    return this.#sql
      .exec<{ number: number; digest: string }>(
        "SELECT number, digest FROM receipts WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number",
        JSON.stringify(numbers),
      )
      .toArray();
  }

  receipt(digest: string): StoredReceipt | undefined {
    const [row] = this.#sql.exec<ReceiptRow>("SELECT * FROM receipts WHERE digest = ?", digest).toArray();
    return row === undefined ? undefined : toReceipt(row);
  }

  addToOutbox(draft: LedgerDraft, receipt?: string): void {
    this.#sql.exec("INSERT INTO outbox (draft, receipt) VALUES (?, ?)", JSON.stringify(draft), receipt ?? null);
  }

  outbox(): readonly OutboxItem[] {
    const rows = this.#sql.exec<{ id: number; draft: string; receipt: string | null }>(
      "SELECT id, draft, receipt FROM outbox ORDER BY id LIMIT ?",
      MAX_OUTBOX_READ,
    );
    return rows.toArray().map(({ id, draft, receipt }) => ({
      id,
      draft: JSON.parse(draft) as LedgerDraft, // our own row
      receipt: receipt === null ? undefined : this.receipt(receipt),
    }));
  }

  removeFromOutbox(id: number): void {
    this.#sql.exec("DELETE FROM outbox WHERE id = ?", id);
  }

  latest(name: LatestName): string | undefined {
    const [row] = this.#sql.exec<{ value: string }>("SELECT value FROM latest WHERE name = ?", name).toArray();
    return row?.value;
  }

  setLatest(name: LatestName, value: string): void {
    this.#sql.exec("INSERT OR REPLACE INTO latest VALUES (?, ?)", name, value);
  }

  #commands(query: string, ...parameters: SqlStorageValue[]): readonly StoredCommand[] {
    return this.#sql
      .exec<CommandRow>(query, ...parameters)
      .toArray()
      .map((row) => ({
        number: row.number,
        intent: row.intent,
        submission: row.submission,
        state: row.state as CommandState,
        code: (row.code ?? undefined) as RefusalCode | undefined,
        receipt:
          row.receipt_body === null || row.receipt_signature === null
            ? undefined
            : { body: row.receipt_body, signature: row.receipt_signature },
        ledgerIndex: row.ledger_index,
      }));
  }
}

function toReceipt({ digest, intent, number, body, signature }: ReceiptRow): StoredReceipt {
  return { digest, intent, number, signed: { body, signature } };
}

export function statusOf(command: StoredCommand, host: string): CommandStatus {
  return {
    intent: command.intent,
    host,
    state: command.state,
    ...(command.code === undefined ? {} : { code: command.code }),
    ...(command.receipt === undefined ? {} : { receipt: command.receipt }),
    ledgerIndex: command.ledgerIndex,
  };
}

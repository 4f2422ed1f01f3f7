/** Checkpoints, what hosts cosigned of them, and the tiles of the tree. Stores what it is given: callers have verified it. */
import { fromBase64url } from "../../protocol/bytes.ts";
import { witnessName } from "../../protocol/checkpoint.ts";
import { MAX_NOTE_SIGNATURES } from "../../protocol/limits.ts";
import { decodeNote, encodeNote, type NoteSignature } from "../../protocol/note.ts";
import type { TileRow } from "../ledger/tiles.ts";

export interface StoredCheckpoint {
  readonly size: number;
  /** Encoded, with the ledger key's line only. */
  readonly note: string;
  /** Edge clock, seconds. */
  readonly at: number;
}

export interface Cosignature {
  readonly host: string;
  readonly size: number;
  /** The signature's bytes (note.ts), base64url: its name follows from the host. */
  readonly line: string;
  /** The checkpoint with the ledger key's line and this host's. */
  readonly note: string;
  /** Edge clock, seconds. */
  readonly at: number;
}

export interface Witness {
  readonly host: string;
  readonly size: number;
  readonly note: string;
  readonly at: number;
}

interface LineRow {
  readonly size: number;
  readonly host: string;
  readonly line: string;
}

const INSERT_TILES = `INSERT INTO ledger_tiles (workspace, level, n, width, hashes)
  SELECT ?1, value ->> 'level', value ->> 'n', value ->> 'width', value ->> 'hashes' FROM json_each(?2) WHERE true
  ON CONFLICT DO UPDATE SET width = excluded.width, hashes = excluded.hashes WHERE hashes <> excluded.hashes`;
/** Another note of the same size is of another ledger key: the newest is what hosts are shown. */
const INSERT_CHECKPOINT = `INSERT INTO checkpoints (workspace, size, note, at) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT DO UPDATE SET note = excluded.note, at = excluded.at WHERE note <> excluded.note`;
const INSERT_LINE = `INSERT INTO cosignatures (workspace, size, host, line, at) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT DO UPDATE SET line = excluded.line, at = excluded.at`;
const INSERT_WITNESS = `INSERT INTO witnesses (workspace, host, size, note, at) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT DO UPDATE SET size = excluded.size, note = excluded.note, at = excluded.at WHERE size <= excluded.size`;

const FORGET_LINES = `DELETE FROM cosignatures WHERE workspace = ?1 AND (size, host) IN (
  SELECT size, host FROM cosignatures WHERE workspace = ?1 AND size >= ?2 AND size < ?3 LIMIT ?4)`;
const FORGET_CHECKPOINTS = `DELETE FROM checkpoints WHERE workspace = ?1 AND size IN (
  SELECT size FROM checkpoints WHERE workspace = ?1 AND size >= ?2 AND size < ?3 LIMIT ?4)`;

export class CheckpointTable {
  readonly workspace: string;
  readonly #binding: D1Database;

  constructor(binding: D1Database, workspace: string) {
    this.#binding = binding;
    this.workspace = workspace;
  }

  newest(): Promise<StoredCheckpoint | undefined> {
    return this.newestUpTo(Number.MAX_SAFE_INTEGER);
  }

  async newestUpTo(size: number): Promise<StoredCheckpoint | undefined> {
    const row = await this.#binding
      .prepare("SELECT size, note, at FROM checkpoints WHERE workspace = ?1 AND size <= ?2 ORDER BY size DESC LIMIT 1")
      .bind(this.workspace, size)
      .first<StoredCheckpoint>();
    return row ?? undefined;
  }

  async at(size: number): Promise<StoredCheckpoint | undefined> {
    const found = await this.newestUpTo(size);
    return found?.size === size ? found : undefined;
  }

  /** A checkpoint with the tiles of the tree up to it: both, or neither. */
  async insert({ size, note, at }: StoredCheckpoint, tiles: readonly TileRow[]): Promise<void> {
    const checkpoint = this.#binding.prepare(INSERT_CHECKPOINT).bind(this.workspace, size, note, at);
    const grown = this.#binding.prepare(INSERT_TILES).bind(this.workspace, JSON.stringify(tiles));
    await this.#binding.batch(tiles.length === 0 ? [checkpoint] : [grown, checkpoint]);
  }

  /** A host's newest stays its newest, whatever comes late. */
  async addCosignature({ host, size, line, note, at }: Cosignature): Promise<void> {
    await this.#binding.batch([
      this.#binding.prepare(INSERT_LINE).bind(this.workspace, size, host, line, at),
      this.#binding.prepare(INSERT_WITNESS).bind(this.workspace, host, size, note, at),
    ]);
  }

  /**
   * Forgets what was signed of sizes from `from` on, below `before`: at most `limit` checkpoints and cosignatures. True:
   * nothing is left of them.
   */
  async forget({ from, before }: { readonly from: number; readonly before: number }, limit: number): Promise<boolean> {
    const results = await this.#binding.batch(
      [FORGET_LINES, FORGET_CHECKPOINTS].map((sql) =>
        this.#binding.prepare(sql).bind(this.workspace, from, before, limit),
      ),
    );
    return results.every(({ meta }) => meta.changes < limit);
  }

  /** Newest first; each note carries the ledger key's line and every host's. */
  async list(limit: number): Promise<readonly StoredCheckpoint[]> {
    const { results } = await this.#binding
      .prepare("SELECT size, note, at FROM checkpoints WHERE workspace = ?1 ORDER BY size DESC LIMIT ?2")
      .bind(this.workspace, limit)
      .all<StoredCheckpoint>();
    return this.#withLines(results);
  }

  async witnesses(): Promise<readonly Witness[]> {
    const { results } = await this.#binding
      .prepare("SELECT host, size, note, at FROM witnesses WHERE workspace = ?1 ORDER BY host")
      .bind(this.workspace)
      .all<Witness>();
    return results;
  }

  async #withLines(checkpoints: readonly StoredCheckpoint[]): Promise<readonly StoredCheckpoint[]> {
    if (checkpoints.length === 0) return [];
    const { results } = await this.#binding
      .prepare(
        `SELECT size, host, line FROM cosignatures
         WHERE workspace = ?1 AND size IN (SELECT value FROM json_each(?2)) ORDER BY host`,
      )
      .bind(this.workspace, JSON.stringify(checkpoints.map(({ size }) => size)))
      .all<LineRow>();
    return checkpoints.map((checkpoint) => ({
      ...checkpoint,
      note: withLines(
        checkpoint.note,
        results
          .filter(({ size }) => size === checkpoint.size)
          .map(({ host, line }) => ({ name: witnessName(this.workspace, host), bytes: fromBase64url(line) })),
      ),
    }));
  }
}

function withLines(encoded: string, lines: readonly NoteSignature[]): string {
  const { text, signatures } = decodeNote(encoded);
  return encodeNote({ text, signatures: [...signatures, ...lines].slice(0, MAX_NOTE_SIGNATURES) });
}

/**
 * The Merkle tree over a workspace's ledger, read from the database: tiles where there are some, the entries' own hashes
 * where there are none yet. Believes neither: what is read is worth what the root says that is computed from it. Writes
 * nothing.
 */
import { entryLeaf } from "../../protocol/checkpoint.ts";
import {
  consistencyProof,
  frontierNodes,
  inclusionProof,
  readRoot,
  type Hash,
  type Node,
} from "../../protocol/merkle.ts";
import {
  decodeTile,
  InnerNodes,
  openTilesOf,
  subtreeHash,
  TileBuilder,
  TILE_HASHES,
  TILE_HEIGHT,
  type TilePlace,
  type TileRow,
} from "../ledger/tiles.ts";

/** A tile is 8 KB; proofs of one page of entries touch a few each. */
const MAX_TILES_HELD = 128;

/** Asked for a tree of more leaves than the log has entries: somebody asked wrongly, or the log was cut. */
export class LogTooShort extends Error {
  override readonly name = "LogTooShort";
  /** Up to here there are entries without a gap, as far as the tile tells in which the first one is missing. */
  readonly entries: number;

  constructor(entries: number) {
    super(`no entry ${entries + 1}`);
    this.entries = entries;
  }
}

/** db/ledger-reader.ts has it: entries in order, wherever they are. */
export interface SealedEntries {
  oldestAfter(after: number, limit: number): Promise<readonly LeafRow[]>;
}

interface LeafRow {
  readonly idx: number;
  readonly hash: string;
}

export class LedgerTree {
  readonly workspace: string;
  readonly #binding: D1Database;
  readonly #sealed: SealedEntries | undefined;
  /** By level and place; what is written stays as it is, so a tile is only read again when more of it is needed. */
  readonly #tiles = new Map<string, Promise<readonly Hash[]>>();
  /** By the very hashes that they were computed from: a tile that is read again has its own. */
  readonly #inner = new WeakMap<readonly Hash[], InnerNodes>();

  /** `sealed`: where entries are that left the open table; needed only for tiles that were lost since. */
  constructor(binding: D1Database, workspace: string, sealed?: SealedEntries) {
    this.#binding = binding;
    this.#sealed = sealed;
    this.workspace = workspace;
  }

  /** Proves that the entry of this index is in the tree. @throws {RangeError} @throws {LogTooShort} */
  inclusion(index: number, size: number): Promise<readonly Hash[]> {
    return inclusionProof(index - 1, size, this.#node);
  }

  /** Proves that the longer tree begins with the shorter. @throws {RangeError} @throws {LogTooShort} */
  consistency(from: number, to: number): Promise<readonly Hash[]> {
    return consistencyProof(from, to, this.#node);
  }

  /** One hash for each of `frontierNodes(size)`. @throws {LogTooShort} */
  frontier(size: number): Promise<readonly Hash[]> {
    return Promise.all(frontierNodes(size).map(this.#node));
  }

  /** @throws {LogTooShort} */
  root(size: number): Promise<Hash> {
    return readRoot(size, this.#node);
  }

  /** The tree of `size`, ready to grow. @throws {LogTooShort} */
  async builder(size: number): Promise<TileBuilder> {
    const open = await Promise.all(
      openTilesOf(size).map(async ({ level, n, width }) => ({
        level,
        n,
        hashes: width === 0 ? [] : (await this.#hashes({ level, n, width })).slice(0, width),
      })),
    );
    return new TileBuilder(size, open);
  }

  readonly #node = async ({ level, index }: Node): Promise<Hash> => {
    const above = level % TILE_HEIGHT;
    const leaves = 2 ** above;
    const first = index * leaves;
    const start = first % TILE_HASHES;
    const hashes = await this.#hashes({
      level: level - above,
      n: Math.floor(first / TILE_HASHES),
      width: start + leaves,
    });
    return this.#innerOf(hashes).over(start, leaves);
  };

  #innerOf(hashes: readonly Hash[]): InnerNodes {
    const known = this.#inner.get(hashes);
    if (known !== undefined) return known;
    const made = new InnerNodes(hashes);
    this.#inner.set(hashes, made);
    return made;
  }

  /** At least the first `width` hashes of a tile. */
  async #hashes(tile: TilePlace): Promise<readonly Hash[]> {
    const key = `${tile.level}/${tile.n}`;
    for (let known = this.#tiles.get(key); known !== undefined; known = this.#tiles.get(key)) {
      const held = await known;
      if (held.length >= tile.width) return held;
      if (this.#tiles.get(key) === known) this.#tiles.delete(key);
    }
    const read = this.#read(tile);
    this.#tiles.set(key, read);
    const [oldest] = this.#tiles.keys();
    if (this.#tiles.size > MAX_TILES_HELD && oldest !== undefined) this.#tiles.delete(oldest);
    try {
      return await read;
    } catch (error) {
      if (this.#tiles.get(key) === read) this.#tiles.delete(key);
      throw error;
    }
  }

  /** A tile that is missing, too narrow or no tile at all is computed from what lies below it. */
  async #read({ level, n, width }: TilePlace): Promise<readonly Hash[]> {
    const stored = await this.#stored(level, n);
    if (stored.length >= width) return stored;
    if (level === 0) return this.#leaves(n, width);
    const missing = Array.from({ length: width - stored.length }, (_, i) => n * TILE_HASHES + stored.length + i);
    const below = missing.map((place) =>
      this.#hashes({ level: level - TILE_HEIGHT, n: place, width: TILE_HASHES }).then(subtreeHash),
    );
    return [...stored, ...(await Promise.all(below))];
  }

  async #stored(level: number, n: number): Promise<readonly Hash[]> {
    const row = await this.#binding
      .prepare("SELECT width, hashes FROM ledger_tiles WHERE workspace = ?1 AND level = ?2 AND n = ?3")
      .bind(this.workspace, level, n)
      .first<Pick<TileRow, "width" | "hashes">>();
    return (row === null ? undefined : decodeTile(row)) ?? [];
  }

  /** Of a tile's entries, as many as there are without a gap. */
  async #leaves(n: number, width: number): Promise<readonly Hash[]> {
    const first = n * TILE_HASHES + 1;
    const { results } = await this.#binding
      .prepare("SELECT idx, hash FROM ledger WHERE workspace = ?1 AND idx BETWEEN ?2 AND ?3 ORDER BY idx")
      .bind(this.workspace, first, first + TILE_HASHES - 1)
      .all<LeafRow>();
    const open = withoutGap(results, first);
    if (open.length >= width) return open;
    const sealed = withoutGap((await this.#sealed?.oldestAfter(first - 1, TILE_HASHES)) ?? [], first);
    const leaves = sealed.length > open.length ? sealed : open;
    if (leaves.length < width) throw new LogTooShort(first + leaves.length - 1);
    return leaves;
  }
}

function withoutGap(rows: readonly LeafRow[], first: number): readonly Hash[] {
  const gap = rows.findIndex(({ idx }, i) => idx !== first + i);
  return (gap === -1 ? rows : rows.slice(0, gap)).map(({ hash }) => entryLeaf(hash));
}

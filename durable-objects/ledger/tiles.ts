/**
 * The tree over the ledger in tiles of 256 hashes: how it grows at its right edge, and how a tile looks in the database.
 * Pure; reads and writes nothing.
 */
import { concatBytes, fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { Frontier, HASH_BYTES, nodeHash, type Hash } from "../../protocol/merkle.ts";

/** Levels of the tree between one kind of tile and the next. */
export const TILE_HEIGHT = 8;
export const TILE_HASHES = 2 ** TILE_HEIGHT;

/** A row of `ledger_tiles`. */
export interface TileRow {
  readonly level: number;
  readonly n: number;
  readonly width: number;
  readonly hashes: string;
}

/** A tile, and how much of it is meant. */
export type TilePlace = Omit<TileRow, "hashes">;

/** The part of a tile that a tree of some size fills: on each level the last one, which is not full. */
export interface OpenTile {
  readonly level: number;
  readonly n: number;
  readonly hashes: readonly Hash[];
}

/** Which tiles are open in a tree of `size` leaves, and how wide. From the leaves up. */
export function openTilesOf(size: number): readonly TilePlace[] {
  const open: TilePlace[] = [];
  for (let level = 0, total = size; total > 0; level += TILE_HEIGHT, total = Math.floor(total / TILE_HASHES))
    open.push({ level, n: Math.floor(total / TILE_HASHES), width: total % TILE_HASHES });
  return open;
}

/** The hash over a whole number of leaves that is a power of two. */
export function subtreeHash(hashes: readonly Hash[]): Hash {
  const tree = new Frontier();
  for (const hash of hashes) tree.append(hash);
  return tree.root();
}

/**
 * The nodes between a tile and the next above it, each hashed once: proofs of neighbouring entries share most of them.
 * There are fewer of them than hashes in the tile.
 */
export class InnerNodes {
  readonly #hashes: readonly Hash[];
  /** By number of leaves and place. */
  readonly #known = new Map<number, Hash>();

  constructor(hashes: readonly Hash[]) {
    this.#hashes = hashes;
  }

  /** `leaves`: a power of two; `start`: a multiple of it. @throws {RangeError} where the tile has not so many hashes */
  over(start: number, leaves: number): Hash {
    if (leaves === 1) return hashAt(this.#hashes, start);
    const key = leaves * TILE_HASHES + start;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const half = leaves / 2;
    const hash = nodeHash(this.over(start, half), this.over(start + half, half));
    this.#known.set(key, hash);
    return hash;
  }
}

function hashAt(hashes: readonly Hash[], place: number): Hash {
  const hash = hashes[place];
  if (hash === undefined) throw new RangeError("tile: no such hash");
  return hash;
}

/** Undefined for what is no tile: whoever can write to the database could have put anything there. */
export function decodeTile({ width, hashes }: Pick<TileRow, "width" | "hashes">): readonly Hash[] | undefined {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = fromBase64url(hashes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  if (width < 1 || width > TILE_HASHES || bytes.length !== width * HASH_BYTES) return undefined;
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

function encodeTile(level: number, n: number, hashes: readonly Hash[]): TileRow {
  return { level, n, width: hashes.length, hashes: toBase64url(concatBytes(...hashes)) };
}

interface Edge {
  n: number;
  readonly hashes: Hash[];
  isNew: boolean;
}

/** A tree that grows, and the tiles that it leaves behind. */
export class TileBuilder {
  #size: number;
  /** One for each tile level, from the leaves up. */
  readonly #edges: Edge[];
  #full: TileRow[] = [];

  /** `open`: one for each of `openTilesOf(size)`, in order. */
  constructor(size: number, open: readonly OpenTile[]) {
    this.#size = size;
    this.#edges = open.map(({ n, hashes }) => ({ n, hashes: [...hashes], isNew: false }));
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Hash): void {
    this.#size += 1;
    this.#push(0, leaf);
  }

  #push(place: number, hash: Hash): void {
    const edge = (this.#edges[place] ??= { n: 0, hashes: [], isNew: true });
    edge.isNew = true;
    edge.hashes.push(hash);
    if (edge.hashes.length < TILE_HASHES) return;
    this.#full.push(encodeTile(place * TILE_HEIGHT, edge.n, edge.hashes));
    const above = subtreeHash(edge.hashes);
    edge.n += 1;
    edge.hashes.length = 0;
    this.#push(place + 1, above);
  }

  root(): Hash {
    const tree = new Frontier();
    for (const [i, { hashes }] of [...this.#edges.entries()].toReversed())
      for (const hash of hashes) tree.appendSubtree(i * TILE_HEIGHT, hash);
    return tree.root();
  }

  /** Tiles that are new or wider since the last time. Leaves of the open tile are in the ledger itself, and only there. */
  take(): readonly TileRow[] {
    const wider = this.#edges.flatMap(({ n, hashes, isNew }, place) =>
      place > 0 && isNew && hashes.length > 0 ? [encodeTile(place * TILE_HEIGHT, n, hashes)] : [],
    );
    for (const edge of this.#edges) edge.isNew = false;
    const tiles = [...this.#full, ...wider];
    this.#full = [];
    return tiles;
  }
}

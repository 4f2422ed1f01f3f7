import { describe, expect, it } from "vitest";
import {
  decodeTile,
  InnerNodes,
  openTilesOf,
  subtreeHash,
  TileBuilder,
  TILE_HASHES,
  type TileRow,
} from "../../../durable-objects/ledger/tiles.ts";
import { toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { Frontier, leafHash } from "../../../protocol/merkle.ts";

const leafOf = (i: number) => leafHash(utf8(`leaf ${i}`));

describe("TileBuilder", () => {
  it("gives the tree's root at every size, across full tiles", () => {
    const builder = new TileBuilder(0, []);
    const tree = new Frontier();
    expect(toBase64url(builder.root())).toBe(toBase64url(tree.root()));
    for (let i = 0; i < 3 * TILE_HASHES + 5; i++) {
      builder.append(leafOf(i));
      tree.append(leafOf(i));
      expect(toBase64url(builder.root())).toBe(toBase64url(tree.root()));
    }
    expect(builder.size).toBe(tree.size);
  });

  it("leaves full tiles of leaves behind once, and the wider tile above them", () => {
    const builder = new TileBuilder(0, []);
    const grow = (to: number): readonly TileRow[] => {
      while (builder.size < to) builder.append(leafOf(builder.size));
      return builder.take();
    };
    const shape = (tiles: readonly TileRow[]) => tiles.map(({ level, n, width }) => [level, n, width]);
    expect(shape(grow(255))).toEqual([]);
    const first = grow(256);
    expect(shape(first)).toEqual([
      [0, 0, 256],
      [8, 0, 1],
    ]);
    expect(shape(grow(257))).toEqual([]);
    expect(shape(grow(1024))).toEqual([
      [0, 1, 256],
      [0, 2, 256],
      [0, 3, 256],
      [8, 0, 4],
    ]);
    const [leaves, above] = first.map(decodeTile);
    expect(leaves?.map(toBase64url)).toEqual(Array.from({ length: 256 }, (_, i) => toBase64url(leafOf(i))));
    expect(above?.map(toBase64url)).toEqual([toBase64url(subtreeHash(leaves ?? []))]);
  });

  it("goes on from its open tiles as if it had never stopped", () => {
    const whole = new TileBuilder(0, []);
    for (let i = 0; i < 700; i++) whole.append(leafOf(i));
    const tiles = whole.take();
    const open = openTilesOf(700).map(({ level, n, width }) => ({
      level,
      n,
      hashes:
        level === 0
          ? Array.from({ length: width }, (_, i) => leafOf(n * TILE_HASHES + i))
          : (decodeTile(tiles.find((tile) => tile.level === level) ?? { width: 0, hashes: "" }) ?? []),
    }));
    expect(open.map(({ level, n, hashes }) => [level, n, hashes.length])).toEqual([
      [0, 2, 188],
      [8, 0, 2],
    ]);
    const again = new TileBuilder(700, open);
    expect(toBase64url(again.root())).toBe(toBase64url(whole.root()));
    for (const builder of [again, whole]) for (let i = 700; i < 800; i++) builder.append(leafOf(i));
    expect(toBase64url(again.root())).toBe(toBase64url(whole.root()));
    expect(again.take()).toEqual(whole.take());
  });

  it("keeps a third level", () => {
    const builder = new TileBuilder(256 * 255 + 255, [
      { level: 0, n: 255, hashes: Array.from({ length: 255 }, (_, i) => leafOf(i)) },
      { level: 8, n: 0, hashes: Array.from({ length: 255 }, (_, i) => leafOf(i)) },
    ]);
    builder.append(leafOf(0));
    expect(builder.take().map(({ level, n, width }) => [level, n, width])).toEqual([
      [0, 255, 256],
      [8, 0, 256],
      [16, 0, 1],
    ]);
    expect(openTilesOf(65_536)).toEqual([
      { level: 0, n: 256, width: 0 },
      { level: 8, n: 1, width: 0 },
      { level: 16, n: 0, width: 1 },
    ]);
  });
});

describe("decodeTile", () => {
  it("takes nothing that is no tile", () => {
    const hashes = toBase64url(leafOf(1));
    expect(decodeTile({ width: 1, hashes })).toHaveLength(1);
    expect(decodeTile({ width: 2, hashes })).toBeUndefined();
    expect(decodeTile({ width: 0, hashes: "" })).toBeUndefined();
    expect(decodeTile({ width: 257, hashes: toBase64url(new Uint8Array(257 * 32)) })).toBeUndefined();
    expect(decodeTile({ width: 1, hashes: `${hashes}=` })).toBeUndefined();
  });
});

describe("InnerNodes", () => {
  const tile = Array.from({ length: 200 }, (_, i) => leafOf(i));

  it("has the hash over every run of leaves that stands on its own multiple, however often it is asked", () => {
    const inner = new InnerNodes(tile);
    for (const _round of [1, 2])
      for (let leaves = 1; leaves <= 128; leaves *= 2)
        for (let start = 0; start + leaves <= tile.length; start += leaves)
          expect(toBase64url(inner.over(start, leaves))).toBe(
            toBase64url(subtreeHash(tile.slice(start, start + leaves))),
          );
  });

  it("has none where the tile has no hashes", () => {
    const inner = new InnerNodes(tile);
    expect(() => inner.over(200, 1)).toThrow(RangeError);
    expect(() => inner.over(128, 128)).toThrow(RangeError);
  });
});

import { beforeAll, describe, expect, it } from "vitest";
import { LedgerTree, LogTooShort } from "../../../durable-objects/db/ledger-tree.ts";
import { toBase64url } from "../../../protocol/bytes.ts";
import { entryLeaf } from "../../../protocol/checkpoint.ts";
import { Frontier, verifyConsistency, verifyInclusion } from "../../../protocol/merkle.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { digestAt, insertRows, withoutTriggers } from "../ledger-rows.ts";
import { env } from "../../worker/environment.ts";

const workspace = nonceOf("tree");
const SIZE = 1_100;

function rootAt(size: number): Frontier {
  const tree = new Frontier();
  for (let i = 1; i <= size; i++) tree.append(entryLeaf(digestAt("tree", i)));
  return tree;
}

const open = (): LedgerTree => new LedgerTree(env.DB, workspace);

async function expectWhole(): Promise<void> {
  const tree = open();
  for (const size of [1, 2, 255, 256, 257, 512, 1_000, SIZE]) {
    const expected = rootAt(size);
    expect(toBase64url(await tree.root(size))).toBe(toBase64url(expected.root()));
    expect((await tree.frontier(size)).map(toBase64url)).toEqual(expected.hashes.map(toBase64url));
    expect(toBase64url((await tree.builder(size)).root())).toBe(toBase64url(expected.root()));
    for (const index of [1, Math.ceil(size / 2), size]) {
      const proof = await tree.inclusion(index, size);
      const leaf = entryLeaf(digestAt("tree", index));
      expect(verifyInclusion({ index: index - 1, size, leaf, proof, root: expected.root() })).toBe(true);
    }
  }
  for (const [from, to] of [
    [1, 2],
    [255, 256],
    [256, 257],
    [300, 1_000],
    [512, SIZE],
    [SIZE, SIZE],
  ] as const) {
    const proof = await tree.consistency(from, to);
    const [fromRoot, toRoot] = [rootAt(from).root(), rootAt(to).root()];
    expect(verifyConsistency({ from, to, fromRoot, toRoot, proof })).toBe(true);
  }
}

async function storeTiles(): Promise<void> {
  const builder = await open().builder(0);
  for (let i = 1; i <= SIZE; i++) builder.append(entryLeaf(digestAt("tree", i)));
  for (const { level, n, width, hashes } of builder.take())
    await env.DB.prepare("INSERT INTO ledger_tiles VALUES (?, ?, ?, ?, ?)")
      .bind(workspace, level, n, width, hashes)
      .run();
}

beforeAll(async () => insertRows(env.DB, { workspace, history: "tree", from: 1, to: SIZE }));

describe("LedgerTree", () => {
  it("computes from the entries' hashes where there are no tiles", async () => {
    await expectWhole();
  });

  it("proves the same from tiles, and reads few of them", async () => {
    await storeTiles();
    await expectWhole();
  });

  it("computes what a bent or missing tile should have held", async () => {
    await env.DB.exec("DELETE FROM ledger_tiles WHERE level = 0 AND n = 1");
    await env.DB.exec("UPDATE ledger_tiles SET hashes = 'no tile' WHERE level = 0 AND n = 2");
    await env.DB.exec("UPDATE ledger_tiles SET width = 7 WHERE level = 8");
    await expectWhole();
  });

  it("gives another root when a tile holds other hashes", async () => {
    const other = toBase64url(new Uint8Array(256 * 32));
    await env.DB.prepare("UPDATE ledger_tiles SET hashes = ? WHERE level = 0 AND n = 3").bind(other).run();
    expect(toBase64url(await open().root(SIZE))).not.toBe(toBase64url(rootAt(SIZE).root()));
  });

  it("serves a tree that has grown since its tiles were read", async () => {
    await insertRows(env.DB, { workspace, history: "tree", from: SIZE + 1, to: SIZE + 10 });
    await env.DB.exec("DELETE FROM ledger_tiles");
    const grown = open();
    await grown.root(SIZE);
    expect(toBase64url(await grown.root(SIZE + 10))).toBe(toBase64url(rootAt(SIZE + 10).root()));
  });

  it("says where the log ends, or where an entry is missing", async () => {
    await expect(open().root(SIZE + 11)).rejects.toThrow(LogTooShort);
    await expect(open().root(SIZE + 11)).rejects.toMatchObject({ entries: SIZE + 10 });
    await expect(open().inclusion(SIZE + 12, SIZE + 11)).rejects.toThrow(RangeError);
    await expect(open().inclusion(0, SIZE)).rejects.toThrow(RangeError);
    await expect(open().consistency(0, SIZE)).rejects.toThrow(RangeError);
    await withoutTriggers(env.DB, () => env.DB.exec("DELETE FROM ledger WHERE idx = 1050"));
    await expect(open().root(SIZE)).rejects.toMatchObject({ entries: 1_049 });
  });
});

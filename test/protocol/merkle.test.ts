import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalBytes, fromHex, toHex, utf8 } from "../../protocol/bytes.ts";
import {
  consistencyProof,
  emptyRoot,
  Frontier,
  frontierNodes,
  inclusionProof,
  leafHash,
  nodeHash,
  readRoot,
  verifyConsistency,
  verifyInclusion,
  type Hash,
  type Node,
} from "../../protocol/merkle.ts";
import { path, proof, treeHash } from "./merkle-reference.ts";

interface Vectors {
  readonly leaves: readonly string[];
  readonly emptyRoot: string;
  readonly roots: readonly string[];
  readonly inclusion: readonly { readonly index: number; readonly size: number; readonly proof: readonly string[] }[];
  readonly consistency: readonly { readonly from: number; readonly to: number; readonly proof: readonly string[] }[];
}
const vectors = JSON.parse(readFileSync(new URL("../vectors/merkle.json", import.meta.url), "utf8")) as Vectors;

const dataOf = (size: number): Uint8Array[] => Array.from({ length: size }, (_, i) => utf8(`leaf ${String(i)}`));

/** Reads complete subtrees of a fixed list of leaves, and remembers them. */
function reader(data: readonly Uint8Array[]) {
  const known = new Map<string, Hash>();
  const hashOf = ({ level, index }: Node): Hash => {
    const key = `${String(level)}/${String(index)}`;
    const held = known.get(key);
    if (held !== undefined) return held;
    const made =
      level === 0
        ? leafHash(data[index] ?? utf8("beyond"))
        : nodeHash(hashOf({ level: level - 1, index: 2 * index }), hashOf({ level: level - 1, index: 2 * index + 1 }));
    known.set(key, made);
    return made;
  };
  return (node: Node): Promise<Hash> => Promise.resolve(hashOf(node));
}

const hexes = (hashes: readonly Uint8Array[]): string[] => hashes.map(toHex);

describe("the tree of eight leaves that implementations share", () => {
  const data = vectors.leaves.map(fromHex);
  const root = (size: number): Hash =>
    size === 0 ? fromHex(vectors.emptyRoot) : fromHex(vectors.roots[size - 1] ?? "");

  it("has these roots", async () => {
    expect(toHex(emptyRoot())).toBe(vectors.emptyRoot);
    for (let size = 0; size <= data.length; size++) {
      expect(toHex(await readRoot(size, reader(data)))).toBe(toHex(root(size)));
      expect(toHex(treeHash(data.slice(0, size)))).toBe(toHex(root(size)));
    }
  });

  it.each(vectors.inclusion)("leaf $index of $size", async ({ index, size, proof: expected }) => {
    expect(hexes(await inclusionProof(index, size, reader(data)))).toEqual(expected);
    const leaf = leafHash(data[index] ?? utf8(""));
    expect(verifyInclusion({ index, size, leaf, proof: expected.map(fromHex), root: root(size) })).toBe(true);
  });

  it.each(vectors.consistency)("$from is the beginning of $to", async ({ from, to, proof: expected }) => {
    expect(hexes(await consistencyProof(from, to, reader(data)))).toEqual(expected);
    const one = { from, to, fromRoot: root(from), toRoot: root(to), proof: expected.map(fromHex) };
    expect(verifyConsistency(one)).toBe(true);
  });
});

describe("every leaf at every size", () => {
  const MAX = 300;
  const data = dataOf(MAX);
  const read = reader(data);

  it("is proven, in the root that the frontier and the definitions give", async () => {
    const frontier = new Frontier();
    for (let size = 1; size <= MAX; size++) {
      frontier.append(leafHash(data[size - 1] ?? utf8("")));
      const root = await readRoot(size, read);
      expect(equalBytes(frontier.root(), root)).toBe(true);
      const again = new Frontier(size, await Promise.all(frontierNodes(size).map(read)));
      expect(hexes(again.hashes)).toEqual(hexes(frontier.hashes));
      for (let index = 0; index < size; index++) {
        const one = { index, size, leaf: leafHash(data[index] ?? utf8("")), root };
        if (!verifyInclusion({ ...one, proof: await inclusionProof(index, size, read) }))
          throw new Error(`leaf ${String(index)} of ${String(size)}`);
      }
    }
  });

  it("with the very path of the definitions", async () => {
    for (const size of [1, 2, 3, 7, 64, 65, 100]) {
      const leaves = data.slice(0, size);
      expect(toHex(treeHash(leaves))).toBe(toHex(await readRoot(size, read)));
      for (let index = 0; index < size; index++)
        expect(hexes(await inclusionProof(index, size, read))).toEqual(hexes(path(index, leaves)));
    }
  });

  it("under no other place, size or root", async () => {
    for (const size of [1, 2, 5, 8, 33]) {
      const root = await readRoot(size, read);
      for (let index = 0; index < size; index++) {
        const one = {
          index,
          size,
          leaf: leafHash(data[index] ?? utf8("")),
          root,
          proof: await inclusionProof(index, size, read),
        };
        for (let other = 0; other < size; other++)
          expect(verifyInclusion({ ...one, index: other })).toBe(other === index);
        for (const wrong of [
          { size: 0 },
          { index: size },
          { index: -1 },
          { index: 0.5 },
          { size: Number.NaN },
          { size: 2 ** 60 },
        ])
          expect(verifyInclusion({ ...one, ...wrong })).toBe(false);
      }
    }
  });
});

describe("every pair of sizes", () => {
  const MAX = 130;
  const data = dataOf(MAX);
  const read = reader(data);

  it("is consistent, by the very proof of the definitions for some", async () => {
    const roots = await Promise.all(Array.from({ length: MAX + 1 }, (_, size) => readRoot(size, read)));
    const at = (size: number): Hash => roots[size] ?? emptyRoot();
    for (let to = 1; to <= MAX; to++)
      for (let from = 1; from <= to; from++) {
        const hashes = await consistencyProof(from, to, read);
        const one = { from, to, fromRoot: at(from), toRoot: at(to), proof: hashes };
        if (!verifyConsistency(one)) throw new Error(`${String(from)} in ${String(to)}`);
        if (from < to && verifyConsistency({ ...one, fromRoot: at(to) })) throw new Error("another old root");
        if (to === 97) expect(hexes(hashes)).toEqual(hexes(proof(from, data.slice(0, to))));
      }
  });

  it("of which nothing is said about the empty tree, or a larger one before a smaller", async () => {
    const [fromRoot, toRoot] = [emptyRoot(), await readRoot(8, read)];
    expect(verifyConsistency({ from: 0, to: 8, fromRoot, toRoot, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: 0, to: 0, fromRoot, toRoot: fromRoot, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: 8, to: 7, fromRoot: toRoot, toRoot, proof: [] })).toBe(false);
    await expect(consistencyProof(0, 8, read)).rejects.toThrow(RangeError);
    await expect(consistencyProof(9, 8, read)).rejects.toThrow(RangeError);
    await expect(inclusionProof(8, 8, read)).rejects.toThrow(RangeError);
    await expect(inclusionProof(-1, 8, read)).rejects.toThrow(RangeError);
  });
});

describe("a proof that somebody changed", () => {
  const data = dataOf(300);
  const read = reader(data);

  it("proves nothing: any bit of any hash, one more, one less, exchanged, another size or place", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 300 }),
        fc.record({ place: fc.nat(), bit: fc.nat() }),
        fc.constantFrom("flip", "more", "less", "twice", "swap", "leaf", "root"),
        async (size, { place, bit }, kind) => {
          const index = place % size;
          const honest = {
            index,
            size,
            leaf: leafHash(data[index] ?? utf8("")),
            root: await readRoot(size, read),
            proof: await inclusionProof(index, size, read),
          };
          const bent = bend(honest.proof, kind, bit);
          const changed = {
            ...honest,
            proof: bent,
            ...(kind === "leaf" ? { leaf: flipped(honest.leaf, bit) } : {}),
            ...(kind === "root" ? { root: flipped(honest.root, bit) } : {}),
          };
          const isSame = hexes(bent).join() === hexes(honest.proof).join() && kind !== "leaf" && kind !== "root";
          expect(verifyInclusion(changed)).toBe(isSame);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("of consistency likewise", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 300 }),
        fc.record({ place: fc.nat(), bit: fc.nat() }),
        fc.constantFrom("flip", "more", "less", "twice", "swap", "from", "to"),
        async (to, { place, bit }, kind) => {
          const from = 1 + (place % (to - 1));
          const honest = {
            from,
            to,
            fromRoot: await readRoot(from, read),
            toRoot: await readRoot(to, read),
            proof: await consistencyProof(from, to, read),
          };
          const bent = bend(honest.proof, kind, bit);
          const changed = {
            ...honest,
            proof: bent,
            ...(kind === "from" ? { fromRoot: flipped(honest.fromRoot, bit) } : {}),
            ...(kind === "to" ? { toRoot: flipped(honest.toRoot, bit) } : {}),
          };
          const isSame = hexes(bent).join() === hexes(honest.proof).join() && kind !== "from" && kind !== "to";
          expect(verifyConsistency(changed)).toBe(isSame);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("with hashes of another length is none, and stops nobody", () => {
    const [a, b] = [leafHash(utf8("a")), leafHash(utf8("b"))];
    const root = nodeHash(a, b);
    for (const length of [0, 31, 33, 64, 100]) {
      const odd = new Uint8Array(length);
      odd.set(b.subarray(0, Math.min(length, 32)));
      expect(verifyInclusion({ index: 0, size: 2, leaf: a, proof: [odd], root })).toBe(false);
      expect(verifyInclusion({ index: 1, size: 2, leaf: b, proof: [odd], root })).toBe(false);
      expect(verifyInclusion({ index: 0, size: 1, leaf: odd, proof: [], root: odd })).toBe(false);
      expect(verifyConsistency({ from: 1, to: 2, fromRoot: a, toRoot: root, proof: [odd] })).toBe(false);
      expect(verifyConsistency({ from: 1, to: 1, fromRoot: odd, toRoot: odd, proof: [] })).toBe(false);
    }
  });
});

describe("sizes beyond 32 bits", () => {
  /** All leaves alike, so that a tree of any size has one hash for each level. */
  const levels: Hash[] = [leafHash(utf8("same"))];
  for (let i = 1; i <= 53; i++) {
    const below = levels[i - 1] ?? emptyRoot();
    levels.push(nodeHash(below, below));
  }
  const read = ({ level }: Node): Promise<Hash> => Promise.resolve(levels[level] ?? emptyRoot());

  it.each([2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 12_345, Number.MAX_SAFE_INTEGER])(
    "%i leaves",
    async (size) => {
      const root = await readRoot(size, read);
      const leaf = levels[0] ?? emptyRoot();
      for (const index of [0, 1, Math.floor(size / 2), size - 2, size - 1]) {
        const hashes = await inclusionProof(index, size, read);
        expect(hashes.length).toBeLessThanOrEqual(54);
        expect(verifyInclusion({ index, size, leaf, proof: hashes, root })).toBe(true);
        expect(verifyInclusion({ index, size, leaf, proof: hashes.slice(1), root })).toBe(false);
      }
      for (const from of [1, 2 ** 20, Math.floor(size / 3), size - 1]) {
        const hashes = await consistencyProof(from, size, read);
        const fromRoot = await readRoot(from, read);
        expect(hashes.length).toBeLessThanOrEqual(54);
        expect(verifyConsistency({ from, to: size, fromRoot, toRoot: root, proof: hashes })).toBe(true);
      }
    },
  );
});

describe("a frontier", () => {
  it("takes subtrees at their own places only, and hashes only", () => {
    const frontier = new Frontier();
    frontier.append(leafHash(utf8("a")));
    expect(() => frontier.appendSubtree(1, leafHash(utf8("b")))).toThrow(TypeError);
    expect(() => new Frontier(3, [leafHash(utf8("a"))])).toThrow(TypeError);
    expect(() => new Frontier(1, [new Uint8Array(31)])).toThrow(TypeError);
  });
});

type Kind = "flip" | "more" | "less" | "twice" | "swap" | "leaf" | "root" | "from" | "to";

function bend(hashes: readonly Hash[], kind: Kind, bit: number): Hash[] {
  const at = hashes.length === 0 ? 0 : bit % hashes.length;
  const [one] = hashes.slice(at, at + 1);
  switch (kind) {
    case "flip":
      return hashes.map((hash, i) => (i === at ? flipped(hash, bit) : hash));
    case "more":
      return [...hashes, leafHash(utf8("more"))];
    case "less":
      return hashes.slice(0, -1);
    case "twice":
      return one === undefined ? [] : [...hashes.slice(0, at), one, ...hashes.slice(at)];
    case "swap":
      return hashes.toReversed();
    default:
      return [...hashes];
  }
}

function flipped(hash: Hash, bit: number): Hash {
  const copy = new Uint8Array(hash);
  const at = bit % 256;
  copy[at >> 3] = (copy[at >> 3] ?? 0) ^ (1 << (at & 7));
  return copy;
}

/**
 * The Merkle tree of RFC 6962: hashing, roots, inclusion and consistency proofs. Places of leaves count from 0. Pure
 * arithmetic over hashes that somebody else reads; knows nothing of ledgers. Sizes go beyond 32 bits, so nothing here
 * shifts bits.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { equalBytes } from "./bytes.ts";

/** 32 bytes. */
export type Hash = Uint8Array<ArrayBuffer>;
export const HASH_BYTES = 32;

/** Leaves and nodes begin with different bytes, so that a node can never be shown as a leaf. */
const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** RFC 6962, section 2.1. */
export function leafHash(data: Uint8Array): Hash {
  const bytes = new Uint8Array(1 + data.length);
  bytes[0] = LEAF_PREFIX;
  bytes.set(data, 1);
  return new Uint8Array(sha256(bytes));
}

export function nodeHash(left: Hash, right: Hash): Hash {
  const bytes = new Uint8Array(1 + 2 * HASH_BYTES);
  bytes[0] = NODE_PREFIX;
  bytes.set(left, 1);
  bytes.set(right, 1 + HASH_BYTES);
  return new Uint8Array(sha256(bytes));
}

/** The root of no leaves at all. */
export function emptyRoot(): Hash {
  return new Uint8Array(sha256(new Uint8Array(0)));
}

/** A complete subtree: its 2^level leaves begin at leaf `index` * 2^level. */
export interface Node {
  readonly level: number;
  readonly index: number;
}

/** Reads the hash of a complete subtree. Its source may be hostile: what comes out is checked against a root. */
export type ReadNode = (node: Node) => Promise<Hash>;

/** The complete subtrees that make up a tree of `size` leaves, from the left; the largest first. */
export function frontierNodes(size: number): readonly Node[] {
  const nodes: Node[] = [];
  let start = 0;
  while (start < size) {
    const level = levelWithin(size - start);
    nodes.push({ level, index: start / 2 ** level });
    start += 2 ** level;
  }
  return nodes;
}

/** A tree that only grows on the right: it keeps one hash for each of its complete subtrees, and nothing else. */
export class Frontier {
  #size: number;
  /** The largest first; levels fall from left to right, one for each bit of the size. */
  readonly #subtrees: { readonly level: number; readonly hash: Hash }[];

  /** @throws {TypeError} when the hashes are not those of a tree of that size. */
  constructor(size = 0, hashes: readonly Hash[] = []) {
    const nodes = frontierNodes(size);
    if (nodes.length !== hashes.length) throw new TypeError("frontier: hashes of another size");
    this.#size = size;
    this.#subtrees = nodes.map(({ level }, i) => ({ level, hash: at(hashes, i) }));
  }

  get size(): number {
    return this.#size;
  }

  /** One for each of `frontierNodes(size)`. */
  get hashes(): readonly Hash[] {
    return this.#subtrees.map(({ hash }) => hash);
  }

  append(leaf: Hash): void {
    this.appendSubtree(0, leaf);
  }

  /** A complete subtree at once. @throws {TypeError} where it would not stand on its own multiple. */
  appendSubtree(level: number, hash: Hash): void {
    if (this.#size % 2 ** level !== 0) throw new TypeError("frontier: a subtree out of place");
    let merged = { level, hash };
    for (let last = this.#subtrees.at(-1); last?.level === merged.level; last = this.#subtrees.at(-1)) {
      this.#subtrees.pop();
      merged = { level: merged.level + 1, hash: nodeHash(last.hash, merged.hash) };
    }
    this.#subtrees.push(merged);
    this.#size += 2 ** level;
  }

  root(): Hash {
    const root = this.#subtrees.reduceRight<Hash | undefined>(
      (right, { hash }) => (right === undefined ? hash : nodeHash(hash, right)),
      undefined,
    );
    return root ?? emptyRoot();
  }
}

/** The root of the first `size` leaves. */
export async function readRoot(size: number, read: ReadNode): Promise<Hash> {
  return size === 0 ? emptyRoot() : rangeHash(0, size, read);
}

/** RFC 6962, section 2.1.1: what proves that `index` is a leaf of a tree of `size`. @throws {RangeError} */
export async function inclusionProof(index: number, size: number, read: ReadNode): Promise<readonly Hash[]> {
  if (index < 0 || index >= size) throw new RangeError("inclusion: no such leaf");
  const proof: Promise<Hash>[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      proof.push(rangeHash(middle, end, read));
      end = middle;
    } else {
      proof.push(rangeHash(start, middle, read));
      start = middle;
    }
  }
  return (await Promise.all(proof)).toReversed();
}

/** RFC 6962, section 2.1.2: what proves that a tree of `to` leaves begins with that of `from`. @throws {RangeError} */
export async function consistencyProof(from: number, to: number, read: ReadNode): Promise<readonly Hash[]> {
  if (from < 1 || from > to) throw new RangeError("consistency: no such trees");
  const proof: Promise<Hash>[] = [];
  let start = 0;
  let end = to;
  while (from < end) {
    const middle = start + splitOf(end - start);
    if (from <= middle) {
      proof.push(rangeHash(middle, end, read));
      end = middle;
    } else {
      proof.push(rangeHash(start, middle, read));
      start = middle;
    }
  }
  // The old tree's root is known to whoever checks; a subtree of it is not.
  if (start > 0) proof.push(rangeHash(start, end, read));
  return (await Promise.all(proof)).toReversed();
}

export interface Inclusion {
  readonly index: number;
  readonly size: number;
  readonly leaf: Hash;
  readonly proof: readonly Hash[];
  readonly root: Hash;
}

/** RFC 9162, section 2.1.3.2. */
export function verifyInclusion({ index, size, leaf, proof, root }: Inclusion): boolean {
  if (!isPlace(index) || !isPlace(size) || index >= size) return false;
  if (![leaf, root, ...proof].every(isHash)) return false;
  let place = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(sibling, hash);
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && equalBytes(hash, root);
}

export interface Consistency {
  readonly from: number;
  readonly to: number;
  readonly fromRoot: Hash;
  readonly toRoot: Hash;
  readonly proof: readonly Hash[];
}

/** RFC 9162, section 2.1.4.2. Nothing is proven about the empty tree: who holds none yet has nothing to compare. */
export function verifyConsistency({ from, to, fromRoot, toRoot, proof }: Consistency): boolean {
  if (!isPlace(from) || !isPlace(to) || from < 1 || from > to) return false;
  if (![fromRoot, toRoot, ...proof].every(isHash)) return false;
  if (from === to) return proof.length === 0 && equalBytes(fromRoot, toRoot);
  let place = from - 1;
  let last = to - 1;
  while (place % 2 === 1) [place, last] = [half(place), half(last)];
  // Where the old tree is one complete subtree, its root is the first hash, and goes without saying.
  const [first, ...rest] = place === 0 ? [fromRoot, ...proof] : proof;
  if (first === undefined) return false;
  const ended = bothRoots(first, rest, { place, last });
  return ended !== undefined && equalBytes(ended.older, fromRoot) && equalBytes(ended.newer, toRoot);
}

interface Step {
  readonly place: number;
  readonly last: number;
}

/** Both roots that a consistency proof leads to; undefined when it is too long or too short. */
function bothRoots(first: Hash, rest: readonly Hash[], start: Step): { older: Hash; newer: Hash } | undefined {
  let { place, last } = start;
  let older = first;
  let newer = first;
  for (const sibling of rest) {
    if (last === 0) return undefined;
    if (place % 2 === 1 || place === last) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)];
    } else {
      newer = nodeHash(newer, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 ? { older, newer } : undefined;
}

/** The hash over leaves `start` to `end`, where `start` is a multiple of the largest power of two that fits. */
async function rangeHash(start: number, end: number, read: ReadNode): Promise<Hash> {
  const nodes = frontierNodes(end - start).map(({ level, index }) => ({ level, index: start / 2 ** level + index }));
  const hashes = await Promise.all(nodes.map(read));
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** The largest power of two smaller than `size`. */
function splitOf(size: number): number {
  return 2 ** levelWithin(size - 1);
}

/** The largest n with 2^n <= size, from 1. A logarithm would round up just below large powers. */
function levelWithin(size: number): number {
  let level = 0;
  while (2 ** (level + 1) <= size) level += 1;
  return level;
}

function half(place: number): number {
  return Math.floor(place / 2);
}

function isPlace(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Of another length two proofs could give one root. */
function isHash(hash: Hash): boolean {
  return hash.length === HASH_BYTES;
}

function at(hashes: readonly Hash[], i: number): Hash {
  const hash = hashes[i];
  if (hash === undefined || !isHash(hash)) throw new TypeError("frontier: not a hash");
  return hash;
}

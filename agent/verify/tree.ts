/**
 * The tree over the digests of a log that streams by, and their hashing, with buffers that are used again: the same sums as
 * protocol/merkle.ts, which the tests hold it against. A million entries need three million hashes, and one-shot native
 * hashing to a string is the fastest that this runtime offers for short inputs.
 */
import { hash } from "node:crypto";
import { typeOf, type MessageKind } from "../../protocol/signing.ts";
import type { Hash } from "../../protocol/merkle.ts";

export const HASH_BYTES = 32;

/** What the reader of a chain needs of a tree, wherever it is computed. */
export interface GrowingTree {
  readonly size: number;
  /** The digest of the next entry, base64url. */
  append(digest: string): void;
  root(): Buffer;
}

/** Hashes travel as text of one character a byte ("binary"): the runtime makes those faster than buffers. */
export class DigestTree implements GrowingTree {
  #size = 0;
  /** One for each complete subtree, the largest first; levels fall from left to right. */
  readonly #levels: number[] = [];
  readonly #hashes: string[] = [];
  readonly #leaf = Buffer.alloc(1 + HASH_BYTES, 0);
  readonly #node = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

  /** With the subtrees of what stands before: one hash for each of `frontierNodes(size)`. */
  static after(size: number, levels: readonly number[], hashes: readonly Hash[]): DigestTree {
    const tree = new DigestTree();
    tree.#levels.push(...levels);
    tree.#hashes.push(...hashes.map((one) => Buffer.from(one).toString("latin1")));
    tree.#size = size;
    return tree;
  }

  get size(): number {
    return this.#size;
  }

  /** Of each complete subtree, as `after` takes them. */
  get levels(): readonly number[] {
    return [...this.#levels];
  }

  get hashes(): readonly Hash[] {
    return this.#hashes.map((one) => new Uint8Array(Buffer.from(one, "latin1")));
  }

  append(digest: string): void {
    this.#leaf.write(digest, 1, HASH_BYTES, "base64url");
    this.#grow();
  }

  /** The digest that stands at this place. */
  appendFrom(bytes: Buffer, at: number): void {
    bytes.copy(this.#leaf, 1, at, at + HASH_BYTES);
    this.#grow();
  }

  #grow(): void {
    let merged: string = hash("sha256", this.#leaf, "binary");
    let level = 0;
    while (this.#levels.at(-1) === level) {
      this.#levels.pop();
      merged = this.#join(this.#hashes.pop() ?? "", merged);
      level += 1;
    }
    this.#levels.push(level);
    this.#hashes.push(merged);
    this.#size += 1;
  }

  root(): Buffer {
    const root = this.#hashes.reduceRight<string | undefined>(
      (right, left) => (right === undefined ? left : this.#join(left, right)),
      undefined,
    );
    return root === undefined ? hash("sha256", "", "buffer") : Buffer.from(root, "latin1");
  }

  #join(left: string, right: string): string {
    this.#node.write(left, 1, HASH_BYTES, "latin1");
    this.#node.write(right, 1 + HASH_BYTES, HASH_BYTES, "latin1");
    return hash("sha256", this.#node, "binary");
  }
}

/** Room for the longest beginning of what is hashed. */
const PREFIX_ROOM = 96;

/** Digests of one kind of message, over bodies that are written into one buffer. Same as `digestOf`. */
export class BodyHasher {
  readonly #buffer: Buffer;
  readonly #type: string;
  #lengthWritten = -1;
  /** What is hashed, by the length of the body: a view costs as much as a short hash. */
  readonly #views: Buffer[] = [];

  constructor(kind: MessageKind, maxBytes: number) {
    this.#buffer = Buffer.alloc(PREFIX_ROOM + maxBytes);
    this.#type = typeOf(kind);
  }

  /** Bytes that the text stands for; undefined unless it is the one base64url text of them. */
  writeBase64url(text: string): number | undefined {
    const bytes = Math.floor((text.length * 3) / 4);
    if (bytes > this.#buffer.length - PREFIX_ROOM || !isOnlySpelling(text)) return undefined;
    // What is not of the alphabet is passed over, so that fewer bytes come out.
    return this.#buffer.write(text, PREFIX_ROOM, bytes, "base64url") === bytes ? bytes : undefined;
  }

  writeLatin1(text: string): number {
    return this.#buffer.write(text, PREFIX_ROOM, "latin1");
  }

  /** The body that was written, where it is ASCII. */
  textOf(length: number): string {
    return this.#buffer.toString("latin1", PREFIX_ROOM, PREFIX_ROOM + length);
  }

  digest(length: number): string {
    const view = (this.#views[length] ??= this.#viewOf(length));
    if (length !== this.#lengthWritten) this.#writeLength(length);
    return hash("sha256", view, "base64url");
  }

  #viewOf(length: number): Buffer {
    return this.#buffer.subarray(PREFIX_ROOM - this.#prefix(length).length, PREFIX_ROOM + length);
  }

  #prefix(length: number): string {
    return `DSSEv1 ${this.#type.length} ${this.#type} ${length} `;
  }

  /** Nearly all bodies have a length of three digits: then only those are written. */
  #writeLength(length: number): void {
    if (isThreeDigits(length) && isThreeDigits(this.#lengthWritten)) {
      this.#buffer[PREFIX_ROOM - 4] = ZERO + Math.floor(length / 100);
      this.#buffer[PREFIX_ROOM - 3] = ZERO + (Math.floor(length / 10) % 10);
      this.#buffer[PREFIX_ROOM - 2] = ZERO + (length % 10);
    } else {
      const prefix = this.#prefix(length);
      this.#buffer.write(prefix, PREFIX_ROOM - prefix.length, "latin1");
    }
    this.#lengthWritten = length;
  }
}

const ZERO = 0x30;

function isThreeDigits(length: number): boolean {
  return length >= 100 && length <= 999;
}

/** The platform takes both alphabets and ignores unused bits; one byte string has one text here. */
function isOnlySpelling(text: string): boolean {
  if (text.includes("+") || text.includes("/")) return false;
  const last = text.charCodeAt(text.length - 1);
  switch (text.length % 4) {
    case 0:
      return true;
    case 2:
      return "AQgw".includes(String.fromCharCode(last));
    case 3:
      return "AEIMQUYcgkosw048".includes(String.fromCharCode(last));
    default:
      return false;
  }
}

/**
 * The same tree as tree.ts, computed by a second thread while the first one reads on: of what an entry costs, the tree is a
 * third. Digests go over in shared memory, and whoever asks for the root waits for it, so that the reader stays one straight
 * line. Nothing is decided here, and nothing is lost: a thread that does not answer is an error, never a verdict.
 */
import { Worker } from "node:worker_threads";
import type { Hash } from "../../protocol/merkle.ts";
import { HASH_BYTES, type DigestTree, type GrowingTree } from "./tree.ts";

/** Enough that neither thread waits for the other's pauses: 2 MB. */
const RING = 65_536;
/** A call to the other thread costs as much as some hashes. */
const PUBLISH_EVERY = 512;
/** It hashes some hundred thousand in a second. */
const PATIENCE_MILLISECONDS = 30_000;

/** Places of the counters that both threads look at. All wrap around together. */
export const COUNTER = { written: 0, read: 1, asked: 2, answered: 3, ended: 4, signal: 5 } as const;
const COUNTERS = 6;

/** What the second thread is given. */
export interface Shared {
  readonly counters: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer;
  readonly answer: SharedArrayBuffer;
  readonly places: number;
  readonly start: { readonly size: number; readonly levels: readonly number[]; readonly hashes: readonly Hash[] };
}

// Beside this file, as source or as built.
const THREAD = import.meta.url.endsWith(".ts") ? "./tree-thread.ts" : "./tree-thread.mjs";

export class TreeBeside implements GrowingTree {
  readonly #counters = new Int32Array(new SharedArrayBuffer(COUNTERS * Int32Array.BYTES_PER_ELEMENT));
  readonly #ring = Buffer.from(new SharedArrayBuffer(RING * HASH_BYTES));
  readonly #answer = Buffer.from(new SharedArrayBuffer(HASH_BYTES));
  readonly #thread: Worker;
  #size: number;
  #written = 0;
  /** The last that this thread saw. */
  #read = 0;

  /** Goes on where a tree stands. */
  constructor({ size, levels, hashes }: Pick<DigestTree, "size" | "levels" | "hashes">) {
    this.#size = size;
    const workerData: Shared = {
      counters: this.#counters.buffer as SharedArrayBuffer,
      ring: this.#ring.buffer as unknown as SharedArrayBuffer,
      answer: this.#answer.buffer as unknown as SharedArrayBuffer,
      places: RING,
      start: { size, levels, hashes },
    };
    this.#thread = new Worker(new URL(THREAD, import.meta.url), { workerData });
    this.#thread.unref(); // a reader that gives up in the middle may end
  }

  get size(): number {
    return this.#size;
  }

  append(digest: string): void {
    if (this.#written - this.#read === RING) this.#makeRoom();
    this.#ring.write(digest, (this.#written % RING) * HASH_BYTES, HASH_BYTES, "base64url");
    this.#written += 1;
    this.#size += 1;
    if (this.#written % PUBLISH_EVERY === 0) this.#publish();
  }

  /** Waits until the other thread has hashed everything. */
  root(): Buffer {
    this.#publish();
    const answered = Atomics.load(this.#counters, COUNTER.answered);
    Atomics.add(this.#counters, COUNTER.asked, 1);
    this.#signal();
    this.#waitWhile(COUNTER.answered, answered);
    return Buffer.from(this.#answer);
  }

  end(): void {
    Atomics.store(this.#counters, COUNTER.ended, 1);
    this.#signal();
  }

  #publish(): void {
    Atomics.store(this.#counters, COUNTER.written, this.#written | 0);
    this.#signal();
  }

  #makeRoom(): void {
    this.#publish();
    const seen = this.#read | 0;
    this.#waitWhile(COUNTER.read, seen);
    this.#read += (Atomics.load(this.#counters, COUNTER.read) - seen) | 0;
  }

  #signal(): void {
    Atomics.add(this.#counters, COUNTER.signal, 1);
    Atomics.notify(this.#counters, COUNTER.signal);
  }

  #waitWhile(counter: number, value: number): void {
    if (Atomics.wait(this.#counters, counter, value, PATIENCE_MILLISECONDS) === "timed-out")
      throw new Error("the thread that computes the tree does not answer");
  }
}

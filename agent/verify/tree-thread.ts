/** The second thread of tree-beside.ts: hashes what is handed over, and says the root when asked. */
import { workerData } from "node:worker_threads";
import { COUNTER, type Shared } from "./tree-beside.ts";
import { DigestTree, HASH_BYTES } from "./tree.ts";

/** The first thread may be waiting for room: it is told after so many. */
const TELL_EVERY = 4_096;

const { counters: shared, ring: memory, answer, places, start } = workerData as Shared;
const counters = new Int32Array(shared);
const ring = Buffer.from(memory);
const root = Buffer.from(answer);
const tree = DigestTree.after(start.size, start.levels, start.hashes);
let read = 0;

function take(written: number): void {
  while (read !== written) {
    tree.appendFrom(ring, (((read % places) + places) % places) * HASH_BYTES);
    read = (read + 1) | 0;
    if (read % TELL_EVERY === 0) tell();
  }
  tell();
}

function tell(): void {
  Atomics.store(counters, COUNTER.read, read);
  Atomics.notify(counters, COUNTER.read);
}

let answered = 0;
while (Atomics.load(counters, COUNTER.ended) === 0) {
  const signal = Atomics.load(counters, COUNTER.signal);
  // What is asked is asked after everything was written: the order of these two looks keeps that.
  const asked = Atomics.load(counters, COUNTER.asked);
  take(Atomics.load(counters, COUNTER.written));
  if (asked !== answered) {
    tree.root().copy(root);
    answered = asked;
    Atomics.store(counters, COUNTER.answered, answered);
    Atomics.notify(counters, COUNTER.answered);
  }
  Atomics.wait(counters, COUNTER.signal, signal);
}

/**
 * When this host says its samples: rarely, because each batch wakes an object at the edge and writes a row, and at once when
 * somebody begins to look. Nobody confirms them: the last batch is said again on the next tunnel, and known by its minutes.
 */
import type { Sample } from "../../../protocol/history.ts";
import { HISTORY_SECONDS } from "../../../protocol/limits.ts";

/** While somebody looks. */
const WATCHED_SECONDS = 300;
/** Characters of one frame, below its limit (protocol/frame-limits.ts) with the names around it. */
const BATCH_CHARACTERS = 90_000;

export interface HistoriesDeps {
  /** Those after a time, oldest first. */
  readonly samples: (after: number) => readonly Sample[];
  /** False when there is no tunnel that takes it. */
  readonly send: (samples: Sample[]) => boolean;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
}

export class Histories {
  readonly #deps: HistoriesDeps;
  #watchedUntil = -Infinity;
  #saidAt = -Infinity;
  /** Time of the newest sample that was said, and of the one before its batch. */
  #said = 0;
  #saidBefore = 0;

  constructor(deps: HistoriesDeps) {
    this.#deps = deps;
  }

  /** Call every few seconds. */
  beat(): void {
    const waited = this.#deps.elapsed() - this.#saidAt;
    if (waited >= (this.#isWatched() ? WATCHED_SECONDS : HISTORY_SECONDS) * 1_000) this.#say();
  }

  /** Somebody looks, for so long. */
  watched(seconds: number): void {
    const wasWatched = this.#isWatched();
    this.#watchedUntil = this.#deps.elapsed() + seconds * 1_000;
    if (!wasWatched) this.#say();
  }

  /** A new tunnel: the last batch may have been lost with the old one. */
  opened(): void {
    this.#said = this.#saidBefore;
    this.#say();
  }

  #isWatched(): boolean {
    return this.#deps.elapsed() < this.#watchedUntil;
  }

  #say(): void {
    const before = this.#said;
    for (const batch of batchesOf(this.#deps.samples(before))) {
      if (!this.#deps.send(batch)) return;
      this.#said = batch.at(-1)?.at ?? this.#said;
      this.#saidBefore = before;
      this.#saidAt = this.#deps.elapsed();
    }
  }
}

function batchesOf(samples: readonly Sample[]): readonly Sample[][] {
  const batches: Sample[][] = [];
  let room = 0;
  for (const sample of samples) {
    const characters = JSON.stringify(sample).length + 1;
    if (characters > room) {
      batches.push([]);
      room = BATCH_CHARACTERS;
    }
    batches.at(-1)?.push(sample);
    room -= characters;
  }
  return batches;
}

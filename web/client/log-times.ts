/**
 * Which entries a cosignature cannot have been over, by their times: what is said to have happened after it was made was
 * not in what its host saw. Knows the rows that this page proved and no others; a row that it never saw holds nothing up.
 */
import { coversTime } from "../../protocol/checkpoint.ts";

/** Moments closer than this are one: a log of years is then a few thousand of them, and no host's clock is as good. */
const STEP_MILLISECONDS = 60_000;

interface Peak {
  readonly index: number;
  /** Edge clock, milliseconds: no entry before it that is known here claims a moment as late. */
  readonly at: number;
}

export class LogTimes {
  /** Both rise. */
  #peaks: Peak[] = [];

  forget(): void {
    this.#peaks = [];
  }

  /** A row whose place is proven. */
  note({ index, at }: Peak): void {
    const place = this.#first((peak) => peak.index >= index);
    const before = this.#peaks[place - 1];
    if (before !== undefined && at - before.at < STEP_MILLISECONDS) return;
    let end = place;
    while ((this.#peaks[end]?.at ?? Infinity) <= at) end += 1;
    if (this.#peaks[end]?.index !== index) this.#peaks.splice(place, end - place, { index, at });
  }

  /** How far a cosignature of a log of this size reaches, by the times that are known. */
  coveredBy({ size, at }: { readonly size: number; readonly at: number }): number {
    const late = this.#peaks[this.#first((peak) => !coversTime(at, peak.at))];
    return late === undefined ? size : Math.min(size, late.index - 1);
  }

  /** Place of the first peak of which this is true, as it is of all after it. */
  #first(isTrue: (peak: Peak) => boolean): number {
    let [low, high] = [0, this.#peaks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const peak = this.#peaks[middle];
      if (peak !== undefined && isTrue(peak)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

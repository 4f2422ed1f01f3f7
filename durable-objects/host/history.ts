/**
 * The figures of a host over time, in two rows of its object: what is younger than a day in steps of up to a quarter of
 * an hour, written with each batch, and what is older in steps of an hour and more, written once an hour. A row is paid
 * for when it is written, whatever its size, so many steps share one.
 */
import { historyRanges, type HistoryPoint, type HistoryRange, type Sample } from "../../protocol/history.ts";
import { edgeSeconds } from "../clock.ts";
import { append, pointsOf, stepOf, type Course, type Ring, type Step } from "./curves.ts";
import type { HostStore } from "./store.ts";

const HOUR_SECONDS = 3_600;
const recentRanges = ["1h", "6h", "24h"] as const;
const longRanges = ["7d", "30d", "90d"] as const;
type RecentRange = (typeof recentRanges)[number];
type LongRange = (typeof longRanges)[number];

interface Recent {
  readonly v: 1;
  readonly course: Course;
  readonly rings: Readonly<Record<RecentRange, Ring>>;
}

interface Long {
  readonly v: 1;
  /** Everything before this hour is in the rings. */
  readonly until: number;
  readonly rings: Readonly<Record<LongRange, Ring>>;
}

const emptyRecent: Recent = { v: 1, course: { last: 0 }, rings: { "1h": [], "6h": [], "24h": [] } };
const emptyLong: Long = { v: 1, until: 0, rings: { "7d": [], "30d": [], "90d": [] } };

export interface HistoryAnswer {
  readonly range: HistoryRange;
  readonly step: number;
  readonly points: HistoryPoint[];
  readonly now: number;
}

export class History {
  readonly #store: HostStore;

  constructor(store: HostStore) {
    this.#store = store;
  }

  /** Takes what is new. A batch that brings nothing new writes nothing. */
  add(samples: readonly Sample[], now = edgeSeconds()): void {
    const before = this.#recent();
    let { course, rings } = before;
    for (const sample of samples) {
      const taken = stepOf(course, sample, now);
      if (taken === undefined) continue;
      course = taken.course;
      rings = mapRings(recentRanges, (range) => append(rings[range], historyRanges[range], taken.step));
    }
    if (course.last === before.course.last) return;
    this.#store.setLatest("history", JSON.stringify({ v: 1, course, rings } satisfies Recent));
    const hour = course.last - (course.last % HOUR_SECONDS);
    const long = this.#long();
    if (hour <= long.until) return;
    // After an absence the newer ring has dropped steps that the older ones do not have yet.
    const known = new Map([...before.rings["24h"], ...rings["24h"]].map((step) => [step.at, step]));
    const complete = [...known.values()].filter(({ at }) => at < hour);
    this.#store.setLatest("history-long", JSON.stringify({ ...withSteps(long, complete), until: hour } satisfies Long));
  }

  read(range: HistoryRange, now = edgeSeconds()): HistoryAnswer {
    const { rings } = this.#recent();
    const ring = isLong(range) ? withSteps(this.#long(), rings["24h"]).rings[range] : rings[range];
    return { range, step: historyRanges[range].step, points: pointsOf(ring, range, now), now };
  }

  #recent(): Recent {
    return readAs(this.#store.latest("history"), emptyRecent);
  }

  #long(): Long {
    return readAs(this.#store.latest("history-long"), emptyLong);
  }
}

function isLong(range: HistoryRange): range is LongRange {
  return longRanges.some((long) => long === range);
}

/** The rings with those steps that are not in them yet. */
function withSteps(long: Long, steps: readonly Step[]): Long {
  const missing = steps.filter(({ at }) => at >= long.until);
  const rings = mapRings(longRanges, (range) =>
    missing.reduce((ring, step) => append(ring, historyRanges[range], step), long.rings[range]),
  );
  return { ...long, rings };
}

function mapRings<R extends string>(ranges: readonly R[], ringOf: (range: R) => Ring): Readonly<Record<R, Ring>> {
  return Object.fromEntries(ranges.map((range) => [range, ringOf(range)])) as Record<R, Ring>;
}

/** Our own row, or another version's: curves then begin anew. */
function readAs<T extends { readonly v: 1 }>(text: string | undefined, empty: T): T {
  if (text === undefined) return empty;
  const row = JSON.parse(text) as { readonly v?: unknown };
  return row.v === 1 ? (row as T) : empty;
}

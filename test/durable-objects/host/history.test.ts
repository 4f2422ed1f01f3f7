import { describe, expect, it } from "vitest";
import { History } from "../../../durable-objects/host/history.ts";
import type { HostStore } from "../../../durable-objects/host/store.ts";
import { endpoints } from "../../../protocol/contracts.ts";
import {
  historyRangeNames,
  historyRanges,
  type HistoryPoint,
  type HistoryRange,
  type Sample,
} from "../../../protocol/history.ts";
import * as v from "valibot";

/** Midnight, UTC. */
const DAY = 1_795_132_800;
const MINUTE = 60;
const HOUR = 3_600;
const tag = (n: number): string => `mo-${n.toString(16).padStart(16, "0")}`;

/** The rows of an object, and how often one was written. */
class Rows {
  readonly kept = new Map<string, string>();
  written = 0;
  latest(name: string): string | undefined {
    return this.kept.get(name);
  }
  setLatest(name: string, value: string): void {
    this.written += 1;
    this.kept.set(name, value);
  }
}

interface Rig {
  readonly rows: Rows;
  readonly history: History;
  readonly add: (...samples: readonly Sample[]) => void;
  readonly read: (range: HistoryRange, now: number) => readonly HistoryPoint[];
}

function rig(): Rig {
  const rows = new Rows();
  const history = new History(rows as unknown as HostStore);
  return {
    rows,
    history,
    add: (...samples) => history.add(samples, samples.at(-1)?.at ?? 0),
    read: (range, now) => {
      const answer = history.read(range, now);
      expect(v.is(endpoints.hostHistory.response, answer)).toBe(true);
      return answer.points;
    },
  };
}

type Usage = NonNullable<Sample["usage"]>;
const usage = (tokens: number, more: Partial<Usage> = {}): Usage => ({
  day: "2026-11-20",
  tokens,
  costMicros: tokens * 10,
  models: [{ tag: tag(1), tokens, costMicros: tokens * 10 }],
  agents: [],
  ...more,
});
const sample = (at: number, more: Partial<Sample> = {}): Sample => ({ at, state: "running", ...more });

const sum = (points: readonly HistoryPoint[], name: "tokens" | "costMicros" | "samples" | "restarts" | "jobsOk") =>
  points.reduce((total, point) => total + point[name], 0);
const modelsOf = (points: readonly HistoryPoint[]): number =>
  points.reduce((total, { models }) => total + models.reduce((tokens, model) => tokens + model.tokens, 0), 0);

describe("History", () => {
  it("turns counters of a day into what was used in each step, whatever is lost between", () => {
    const { add, read } = rig();
    add(sample(DAY, { usage: usage(100) }));
    add(sample(DAY + MINUTE, { usage: usage(130) }), sample(DAY + 5 * MINUTE, { usage: usage(200) }));
    const points = read("1h", DAY + 5 * MINUTE);
    expect(points.map(({ tokens }) => tokens).filter((tokens) => tokens > 0)).toEqual([30, 70]);
    expect(modelsOf(points)).toBe(100);
    expect(sum(points, "costMicros")).toBe(1_000);
  });

  it("counts a new day from nothing, and the first day from its first sample", () => {
    const { add, read } = rig();
    add(sample(DAY + 23 * HOUR, { usage: usage(5_000) }));
    expect(sum(read("1h", DAY + 23 * HOUR), "tokens")).toBe(0);
    add(sample(DAY + 25 * HOUR, { usage: usage(70, { day: "2026-11-21" }) }));
    expect(sum(read("24h", DAY + 25 * HOUR), "tokens")).toBe(70);
  });

  it("leaves a gap where nothing was heard, and no zero", () => {
    const { add, read } = rig();
    add(sample(DAY, { sessions: 4, rssBytes: 10, loopMs: 3 }), sample(DAY + 3 * MINUTE, { sessions: 6 }));
    const points = read("1h", DAY + 3 * MINUTE).slice(-4);
    expect(points.map(({ samples }) => samples)).toEqual([1, 0, 0, 1]);
    expect(points.map(({ sessions }) => sessions)).toEqual([4, undefined, undefined, 6]);
  });

  it("keeps the mean and the worst of what goes up and down", () => {
    const { add, read } = rig();
    add(sample(DAY, { loopMs: 10, sessions: 1 }), sample(DAY + MINUTE, { loopMs: 90, sessions: 2, state: "stopped" }));
    expect(read("6h", DAY + MINUTE).at(-1)).toMatchObject({
      loopMs: 50,
      loopMsWorst: 90,
      sessions: 2,
      up: 1,
      samples: 2,
    });
  });

  it("marks a restart where the boot changes, and none where it begins or is not said", () => {
    const { add, read } = rig();
    add(
      sample(DAY, { boot: "a".repeat(16) }),
      sample(DAY + MINUTE),
      sample(DAY + 2 * MINUTE, { boot: "a".repeat(16) }),
      sample(DAY + 3 * MINUTE, { boot: "b".repeat(16) }),
    );
    expect(sum(read("1h", DAY + 3 * MINUTE), "restarts")).toBe(1);
  });

  it("says the same of every range, over ninety days of one sample in a quarter of an hour", () => {
    const { history, read, rows } = rig();
    const every = 15 * MINUTE;
    const batch = 8;
    const days = 91;
    for (let first = 0; first < days * 96; first += batch) {
      const samples = Array.from({ length: batch }, (_, i) => {
        const at = DAY + (first + i) * every;
        const day = new Date(at * 1_000).toISOString().slice(0, 10);
        return sample(at, { usage: usage(((first + i) % 96) * 10, { day }), jobs: { ok: 1, failed: 0 } });
      });
      history.add(samples, samples.at(-1)?.at);
    }
    const last = DAY + (days * 96 - 1) * every;
    for (const range of historyRangeNames) {
      const { seconds, step } = historyRanges[range];
      const points = read(range, last);
      const from = Math.max(last - (last % step) - seconds, DAY);
      const due = Math.floor(last / every) - Math.ceil(from / every) + 1;
      // At midnight a counter is at nothing; every other sample of a day brings ten tokens.
      const midnights = Math.floor(last / 86_400) - Math.ceil(from / 86_400) + 1;
      expect(sum(points, "samples"), range).toBe(due);
      expect(sum(points, "jobsOk"), range).toBe(due);
      expect(sum(points, "tokens"), range).toBe((due - midnights) * 10);
      expect(points.length).toBeLessThanOrEqual(200);
    }
    expect(rows.written).toBe(2 * ((days * 96) / batch));
    expect(new Set(rows.kept.keys())).toEqual(new Set(["history", "history-long"]));
  });

  it("loses nothing of what came before an absence of days", () => {
    const { add, read } = rig();
    add(sample(DAY, { usage: usage(0) }), sample(DAY + 20 * MINUTE, { usage: usage(50) }));
    add(sample(DAY + 3 * 86_400 + 100));
    expect(sum(read("7d", DAY + 3 * 86_400 + 100), "tokens")).toBe(50);
  });
});

describe("a hostile host's samples", () => {
  it("are taken once, however often they are said", () => {
    const { add, read, rows } = rig();
    const said = [
      sample(DAY, { usage: usage(0) }),
      sample(DAY + MINUTE, { usage: usage(10), jobs: { ok: 2, failed: 0 } }),
    ];
    add(...said);
    const { written } = rows;
    for (let i = 0; i < 5; i += 1) add(...said);
    add(sample(DAY + MINUTE + 30, { usage: usage(10), jobs: { ok: 2, failed: 0 } }));
    expect(sum(read("1h", DAY + MINUTE), "jobsOk")).toBe(2);
    expect(rows.written).toBe(written);
  });

  it("are refused from the future and from the past", () => {
    const { history, read } = rig();
    history.add([sample(DAY - 3 * HOUR), sample(DAY), sample(DAY + 400)], DAY);
    history.add([sample(DAY + 10 * 86_400)], DAY);
    expect(sum(read("24h", DAY + 600), "samples")).toBe(1);
    history.add([sample(DAY + MINUTE)], DAY + MINUTE);
    expect(sum(read("24h", DAY + 600), "samples")).toBe(2);
  });

  it("count nothing twice when counters fall and rise again", () => {
    const { add, read } = rig();
    const counters = [0, 100, 0, 100, 50, 120, 0, 120];
    add(...counters.map((tokens, i) => sample(DAY + i * MINUTE, { usage: usage(tokens) })));
    const points = read("1h", DAY + 8 * MINUTE);
    expect(sum(points, "tokens")).toBe(120);
    expect(modelsOf(points)).toBe(120);
  });

  it("cannot go back to another day, nor to one that is none", () => {
    const { add, read } = rig();
    const days = ["2026-11-20", "2026-11-19", "2026-11-20", "2026-13-77", "2030-01-01", "2026-11-20"];
    add(...days.map((day, i) => sample(DAY + i * MINUTE, { usage: usage(i === 0 ? 1_000 : 900 + i * 50, { day }) })));
    expect(sum(read("1h", DAY + 6 * MINUTE), "tokens")).toBe(150);
  });

  it("give a model no more than the whole used", () => {
    const { add, read } = rig();
    add(sample(DAY, { usage: usage(0) }));
    const models = Array.from({ length: 8 }, (_, i) => ({ tag: tag(i), tokens: 1e15, costMicros: 1e15 }));
    add(sample(DAY + MINUTE, { usage: usage(10, { models }) }));
    expect(
      read("1h", DAY + MINUTE)
        .at(-1)
        ?.models.every(({ tokens }) => tokens <= 10),
    ).toBe(true);
  });

  it("stay within the largest figures and the size of a row, with other names each minute", () => {
    const { history, read, rows } = rig();
    let at = DAY;
    for (let batch = 0; batch < 20; batch += 1) {
      const samples = Array.from({ length: 90 }, (_, i) => {
        at += MINUTE;
        const day = new Date(at * 1_000).toISOString().slice(0, 10);
        const shares = Array.from({ length: 8 }, (__, k) => ({ tag: tag(i * 8 + k), tokens: 1e15, costMicros: 1e15 }));
        return sample(at, {
          boot: i.toString(16).padStart(16, "0"),
          sessions: 1e15,
          rssBytes: 1e15,
          loopMs: 1e15,
          jobs: { ok: Number.MAX_SAFE_INTEGER, failed: Number.MAX_SAFE_INTEGER },
          usage: { day, tokens: 1e15, costMicros: 1e15, models: shares, agents: shares },
        });
      });
      history.add(samples, at);
    }
    for (const range of historyRangeNames) expect(read(range, at).at(-1)?.sessions).toBe(1e15);
    for (const row of rows.kept.values()) expect(row.length).toBeLessThan(1_000_000);
  });
});

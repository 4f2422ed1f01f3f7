import { beforeEach, describe, expect, it } from "vitest";
import { Histories } from "../../../../agent/host/link/histories.ts";
import { outwardLimits } from "../../../../protocol/frame-limits.ts";
import type { Sample } from "../../../../protocol/history.ts";
import { HISTORY_SECONDS, MAX_SAMPLES, WATCH_SECONDS } from "../../../../protocol/limits.ts";
import { outwardFrames } from "../../../../protocol/tunnel.ts";
import { NOW } from "../../../fixtures/workspace.ts";

const BEAT_SECONDS = 15;

let clock: number;
let kept: Sample[];
let said: Sample[][];
let isTaken: boolean;
let histories: Histories;
beforeEach(() => {
  clock = 1_000_000;
  kept = [];
  said = [];
  isTaken = true;
  histories = new Histories({
    samples: (after) => kept.filter(({ at }) => at > after),
    elapsed: () => clock,
    send: (samples) => {
      if (isTaken) said.push(samples);
      return isTaken;
    },
  });
});

/** One sample a minute. */
function pass(seconds: number): void {
  for (let passed = BEAT_SECONDS; passed <= seconds; passed += BEAT_SECONDS) {
    clock += BEAT_SECONDS * 1_000;
    const at = NOW + clock / 1_000;
    if (clock % 60_000 < BEAT_SECONDS * 1_000) kept = [...kept, { at, state: "running" } as const].slice(-MAX_SAMPLES);
    histories.beat();
  }
}

const times = (): readonly number[] => said.flat().map(({ at }) => at);

describe("samples", () => {
  it("go out in batches while nobody looks, each once", () => {
    histories.opened();
    pass(4 * HISTORY_SECONDS);
    expect(said.length).toBeLessThanOrEqual(5);
    expect(new Set(times()).size).toBe(times().length);
    expect(times().length).toBeGreaterThanOrEqual((3 * HISTORY_SECONDS) / 60);
  });

  it("go out at once when somebody begins to look, and not with each look after that", () => {
    histories.opened();
    pass(HISTORY_SECONDS + 180);
    said = [];
    histories.watched(WATCH_SECONDS);
    expect(said).toHaveLength(1);
    pass(30);
    histories.watched(WATCH_SECONDS);
    histories.watched(WATCH_SECONDS);
    expect(said).toHaveLength(1);
  });

  it("of the last batch are said again on a new tunnel, and older ones are not", () => {
    histories.opened();
    pass(2 * HISTORY_SECONDS);
    const last = said.at(-1) ?? [];
    const before = said.length;
    histories.opened();
    expect(said.slice(before).flat().slice(0, last.length)).toEqual(last);
    histories.opened();
    expect(said.at(-1)?.[0]).toEqual(last[0]);
  });

  it("that no tunnel took wait for the next one", () => {
    isTaken = false;
    pass(HISTORY_SECONDS + 120);
    isTaken = true;
    histories.opened();
    expect(times()).toEqual(kept.map(({ at }) => at));
  });

  it("with all that they may name fit their frames", () => {
    const shares = Array.from({ length: 8 }, (_, i) => ({
      tag: `mo-${String(i).repeat(16)}`,
      tokens: 1e15,
      costMicros: 1e15,
    }));
    const usage = { day: "2027-01-15", tokens: 1e15, costMicros: 1e15, models: shares, agents: shares };
    kept = Array.from({ length: MAX_SAMPLES }, (_, i) => ({
      at: NOW + i * 60,
      state: "unauthorized",
      boot: "f".repeat(16),
      sessions: 1e15,
      rssBytes: 1e15,
      loopMs: 1e15,
      jobs: { ok: 1e15, failed: 1e15 },
      usage,
    }));
    histories.opened();
    expect(times()).toEqual(kept.map(({ at }) => at));
    for (const samples of said)
      expect(outwardFrames.encode({ kind: "history", samples }).length).toBeLessThan(outwardLimits.history.bytes);
  });
});

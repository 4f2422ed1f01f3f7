import { beforeEach, describe, expect, it } from "vitest";
import { Reports } from "../../../../agent/host/link/reports.ts";
import { TELEMETRY_SECONDS, UNWATCHED_TELEMETRY_SECONDS, WATCH_SECONDS } from "../../../../protocol/limits.ts";
import type { Telemetry } from "../../../../protocol/telemetry.ts";
import { telemetrySample } from "../../../fixtures/telemetry.ts";

let clock: number;
let figures: Telemetry | undefined;
let said: Telemetry[];
let isTaken: boolean;
let reports: Reports;
beforeEach(() => {
  clock = 1_000_000;
  figures = telemetrySample;
  said = [];
  isTaken = true;
  reports = new Reports({
    telemetry: () => figures,
    elapsed: () => clock,
    send: (telemetry) => {
      if (isTaken) said.push(telemetry);
      return isTaken;
    },
  });
});

/** Beats and changed figures, as a gateway that answers every ten seconds causes them. */
function pass(seconds: number): void {
  for (let passed = 0; passed < seconds; passed += TELEMETRY_SECONDS) {
    clock += TELEMETRY_SECONDS * 1_000;
    figures = { ...telemetrySample, at: telemetrySample.at + passed, sessions: { total: passed, active: 0 } };
    reports.changed();
    reports.beat();
  }
}

describe("a host that nobody looks at", () => {
  it("says its figures once on a new tunnel and is then silent for hours", () => {
    reports.now();
    pass(UNWATCHED_TELEMETRY_SECONDS - TELEMETRY_SECONDS);
    expect(said).toHaveLength(1);
    pass(TELEMETRY_SECONDS);
    expect(said).toHaveLength(2);
  });

  it("says at once that the gateway stands otherwise, and only that", () => {
    reports.now();
    figures = { ...telemetrySample, gateway: { ...telemetrySample.gateway, uptimeSeconds: 99, rssBytes: 7 } };
    reports.changed();
    expect(said).toHaveLength(1);
    figures = { ...telemetrySample, gateway: { state: "stopped", demo: false, listens: [] } };
    reports.changed();
    expect(said.at(-1)).toBe(figures);
  });

  it("says what changed while there was no tunnel as soon as there is one", () => {
    reports.now();
    isTaken = false;
    figures = { ...telemetrySample, gateway: { state: "stopped", demo: false, listens: [] } };
    reports.changed();
    isTaken = true;
    reports.beat();
    expect(said.at(-1)).toBe(figures);
  });

  it("has nothing to say before there are figures", () => {
    figures = undefined;
    reports.watched(WATCH_SECONDS);
    reports.beat();
    expect(said).toEqual([]);
  });
});

describe("a host that somebody looks at", () => {
  it("answers at once, says every change, and stops by itself when nobody asks again", () => {
    reports.now();
    reports.watched(WATCH_SECONDS);
    expect(said).toHaveLength(2);
    pass(WATCH_SECONDS);
    const whileWatched = said.length;
    expect(whileWatched).toBeGreaterThanOrEqual(2 + WATCH_SECONDS / TELEMETRY_SECONDS - 1);
    pass(3_600);
    expect(said).toHaveLength(whileWatched);
  });

  it("is not made to talk faster by asking more often", () => {
    reports.watched(WATCH_SECONDS);
    for (let i = 0; i < 100; i += 1) reports.watched(WATCH_SECONDS);
    expect(said).toHaveLength(1);
    clock += TELEMETRY_SECONDS * 1_000;
    for (let i = 0; i < 100; i += 1) reports.watched(WATCH_SECONDS);
    expect(said).toHaveLength(2);
  });
});

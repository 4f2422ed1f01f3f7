import { describe, expect, it, vi } from "vitest";
import { Wake } from "../../../durable-objects/host/wake.ts";

function storage(): { readonly set: number[]; setAlarm(at: number | Date): Promise<void> } {
  const set: number[] = [];
  return {
    set,
    setAlarm(at) {
      set.push(Number(at));
      return Promise.resolve();
    },
  };
}

/** Runs with a clock that stands until it is moved. */
function atRest(work: (passSeconds: (seconds: number) => void) => void): void {
  vi.useFakeTimers();
  try {
    work((seconds) => vi.setSystemTime(Date.now() + seconds * 1_000));
  } finally {
    vi.useRealTimers();
  }
}

describe("Wake", () => {
  it("leaves an alarm alone that is due soon enough, and sets another once it is past", () => {
    atRest((pass) => {
      const alarms = storage();
      const wake = new Wake(alarms);
      wake.soon();
      wake.soon();
      pass(1);
      wake.soon();
      expect(alarms.set).toEqual([Date.now() + 1_000]);
      pass(1);
      wake.soon();
      expect(alarms.set).toHaveLength(2);
    });
  });

  it("brings forward an alarm that is far off, and puts off what failed", () => {
    atRest(() => {
      const alarms = storage();
      const wake = new Wake(alarms);
      wake.in(60);
      wake.soon();
      wake.in(8);
      expect(alarms.set).toEqual([60, 2, 8].map((seconds) => Date.now() + seconds * 1_000));
    });
  });

  it("keeps one alarm ahead, also after it went off early", () => {
    atRest(() => {
      const alarms = storage();
      const wake = new Wake(alarms);
      wake.keep();
      wake.keep();
      expect(alarms.set).toHaveLength(1);
      wake.fired();
      wake.keep();
      wake.fired();
      wake.soon();
      expect(alarms.set).toHaveLength(3);
    });
  });
});

import { describe, expect, it } from "vitest";
import { LOOK_MILLISECONDS, Slumber } from "../../../../agent/host/link/slumber.ts";

/** Clocks that a test moves: monotonic and wall. */
function clocks() {
  const now = { elapsed: 1_000, wall: 1_800_000_000_000 };
  const slumber = new Slumber({ elapsed: () => now.elapsed, wall: () => now.wall });
  return {
    after(elapsed: number, wall = elapsed): boolean {
      now.elapsed += elapsed;
      now.wall += wall;
      return slumber.look();
    },
  };
}

describe("slumber", () => {
  it("is none while both clocks go on, also on a busy machine", () => {
    const both = clocks();
    for (const passed of [LOOK_MILLISECONDS, LOOK_MILLISECONDS + 10_000, LOOK_MILLISECONDS - 1, 0])
      expect(both.after(passed)).toBe(false);
  });

  it("is none for the drift and the nudges of a clock", () => {
    expect(clocks().after(LOOK_MILLISECONDS, LOOK_MILLISECONDS + 4_000)).toBe(false);
    expect(clocks().after(LOOK_MILLISECONDS, LOOK_MILLISECONDS - 4_000)).toBe(false);
  });

  it("is seen after a sleep: the wall clock went on, the monotonic one stood still", () => {
    expect(clocks().after(LOOK_MILLISECONDS, 3_600_000)).toBe(true);
  });

  it("is seen when the process stood still: both went on, and nobody looked", () => {
    expect(clocks().after(60_000)).toBe(true);
  });

  it("is seen when the wall clock was set, forwards or back, once", () => {
    for (const step of [600_000, -600_000]) {
      const both = clocks();
      expect(both.after(LOOK_MILLISECONDS, LOOK_MILLISECONDS + step)).toBe(true);
      expect(both.after(LOOK_MILLISECONDS)).toBe(false);
    }
  });
});

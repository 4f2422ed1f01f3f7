import { describe, expect, it } from "vitest";
import { BackOff, LONGEST_MILLISECONDS, STABLE_MILLISECONDS } from "../../../../agent/host/link/back-off.ts";

describe("back-off", () => {
  it("doubles up to its longest, jittered by half", () => {
    const low = new BackOff(() => 0);
    const high = new BackOff(() => 1);
    const waits = Array.from({ length: 10 }, () => [low.after(0), high.after(0)]);
    expect(waits.map(([least]) => least)).toEqual([125, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    expect(waits.at(-1)?.[1]).toBe(LONGEST_MILLISECONDS * 1.5);
  });

  it("starts again only after a connection that lasted", () => {
    const backOff = new BackOff(() => 0.5);
    for (let i = 0; i < 5; i += 1) backOff.after(0);
    // Two clones that throw each other out are open for a moment each time.
    expect(backOff.after(STABLE_MILLISECONDS - 1)).toBe(8_000);
    expect(backOff.after(STABLE_MILLISECONDS)).toBe(250);
  });
});

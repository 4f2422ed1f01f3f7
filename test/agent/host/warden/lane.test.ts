import { describe, expect, it } from "vitest";
import { Lane } from "../../../../agent/host/warden/lane.ts";

function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}

describe("the lane", () => {
  it("runs one after the other, in order, and goes on after a fault", async () => {
    const faults: unknown[] = [];
    const ran: number[] = [];
    const lane = new Lane((error) => faults.push(error));
    const first = gate();
    lane.push(undefined, () => first.passed);
    for (const i of [1, 2, 3])
      lane.push(undefined, async () => {
        ran.push(i);
        if (i === 2) throw new TypeError("a mistake");
        await Promise.resolve();
      });
    expect(ran).toEqual([]);
    first.open();
    await lane.idle();
    expect(ran).toEqual([1, 2, 3]);
    expect(faults).toEqual([new TypeError("a mistake")]);
    expect(lane.length).toBe(0);
  });

  it("forgets what waits for a tunnel that closed, and keeps the rest: coming and going piles nothing up", async () => {
    const ran: string[] = [];
    const lane = new Lane(() => undefined);
    const first = gate();
    lane.push(undefined, () => first.passed);
    for (let i = 0; i < 100; i += 1) {
      const tunnel = {};
      for (let j = 0; j < 16; j += 1) lane.push(tunnel, () => Promise.resolve(void ran.push("stale")));
      expect(lane.length).toBe(17);
      lane.forget(tunnel);
      expect(lane.length).toBe(1);
    }
    lane.push({}, () => Promise.resolve(void ran.push("fresh")));
    first.open();
    await lane.idle();
    expect(ran).toEqual(["fresh"]);
  });
});

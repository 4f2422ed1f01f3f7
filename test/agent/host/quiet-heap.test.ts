import { beforeEach, describe, expect, it } from "vitest";
import { QuietHeap } from "../../../agent/host/quiet-heap.ts";

let used: number;
let collected: number;
let quiet: QuietHeap;
beforeEach(() => {
  used = 12_000_000;
  collected = 0;
  quiet = new QuietHeap({
    used: () => used,
    collect: () => {
      collected += 1;
      used = 8_000_000;
    },
  });
});

describe("garbage of an agent", () => {
  it("is collected once after the start, and not again while nothing happens", () => {
    quiet.look();
    quiet.look();
    expect(collected).toBe(1);
  });

  it("is left alone while commands run, and collected when they are over", () => {
    quiet.look();
    for (let i = 0; i < 5; i += 1) {
      used += 500_000;
      quiet.look();
    }
    expect(collected).toBe(1);
    quiet.look();
    expect(collected).toBe(2);
  });

  it("is collected when it has come together slowly", () => {
    quiet.look();
    for (let i = 0; i < 10; i += 1) {
      used += 100_000;
      quiet.look();
    }
    expect(collected).toBe(2);
  });
});

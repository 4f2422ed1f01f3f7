import { describe, expect, it } from "vitest";
import {
  drawnPositions,
  drawnRange,
  partWith,
  rowsThatFit,
  seenRange,
  stepFrom,
  stepOfKey,
} from "../../../../web/pages/activity/window.ts";

const list = { view: 900, rowHeight: 60, count: 100_000 };

describe("what is drawn of a long list", () => {
  it("is what can be seen and a few around it, wherever one is", () => {
    for (const above of [-400, 0, 59, 60, 3_000_000, 100_000 * 60 - 900]) {
      const seen = seenRange({ ...list, above });
      const drawn = drawnRange(seen, list.count);
      expect(seen.first * 60).toBeLessThanOrEqual(Math.max(0, above));
      expect(drawn.last - drawn.first).toBeLessThan(900 / 60 + 2 + 20);
      expect(drawn.first).toBeGreaterThanOrEqual(0);
      expect(drawn.last).toBeLessThan(list.count);
    }
  });

  it("has its ends: the first row at the top, the last at the bottom", () => {
    expect(seenRange({ ...list, above: 0 })).toEqual({ first: 0, last: 14 });
    expect(seenRange({ ...list, above: 100_000 * 60 - 900 }).last).toBe(99_999);
    expect(seenRange({ ...list, above: 1e9 })).toEqual({ first: 99_999, last: 99_999 });
    expect(seenRange({ ...list, count: 0, above: 0 }).last).toBe(-1);
    expect(drawnPositions(drawnRange({ first: 0, last: -1 }, 0), undefined)).toEqual([]);
  });

  it("always has the row with the focus", () => {
    expect(drawnPositions({ first: 5, last: 7 }, 6)).toEqual([5, 6, 7]);
    expect(drawnPositions({ first: 5, last: 7 }, 900)).toEqual([5, 6, 7, 900]);
    expect(drawnPositions({ first: 5, last: 7 }, 0)).toEqual([0, 5, 6, 7]);
  });
});

describe("a log that is longer than an element may be tall", () => {
  const head = 5_000_000;
  const fit = rowsThatFit(60);

  it("is shown in parts, and every index is in one of them", () => {
    expect(fit * 60).toBeLessThanOrEqual(10_000_000);
    expect(fit).toBeGreaterThan(100_000);
    for (const index of [1, 2, 1_000, 2_500_000, head - fit, head]) {
      const { top, count } = partWith(index, { top: head, head, floor: 0, fit });
      expect(index).toBeLessThanOrEqual(top);
      expect(index).toBeGreaterThan(top - count);
      expect(top).toBeLessThanOrEqual(head);
    }
  });

  it("stays in the part it is in, and never goes below what was dropped", () => {
    expect(partWith(head - 10, { top: head, head, floor: 0, fit }).top).toBe(head);
    expect(partWith(40, { top: 50, head: 50, floor: 30, fit })).toEqual({ top: 50, count: 20 });
  });
});

describe("the keyboard", () => {
  it("goes one by one, by pages, and to the ends, and never beyond", () => {
    const bounds = { count: 100, page: 10 };
    expect(stepFrom(5, "next", bounds)).toBe(6);
    expect(stepFrom(5, "previous", bounds)).toBe(4);
    expect(stepFrom(0, "previous", bounds)).toBe(0);
    expect(stepFrom(5, "page-down", bounds)).toBe(15);
    expect(stepFrom(5, "page-up", bounds)).toBe(0);
    expect(stepFrom(5, "last", bounds)).toBe(99);
    expect(stepFrom(99, "next", bounds)).toBe(99);
  });

  it("leaves every other key, and every shortcut of the browser, alone", () => {
    const press = (key: string, ctrlKey = false) => stepOfKey({ key, ctrlKey, metaKey: false, altKey: false });
    expect(press("j")).toBe("next");
    expect(press("ArrowUp")).toBe("previous");
    expect(press("Home", true)).toBeUndefined();
    expect(press("constructor")).toBeUndefined();
    expect(press("Enter")).toBeUndefined();
  });
});

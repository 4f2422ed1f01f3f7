import { describe, expect, it } from "vitest";
import {
  dayKey,
  formatAge,
  formatBytes,
  formatClock,
  formatCost,
  formatCount,
  formatDay,
  formatExact,
  formatHash,
  formatIso,
  formatList,
  formatMilliseconds,
  formatNumberOf,
  formatPercent,
  formatRelative,
  formatSpan,
  formatTitle,
  unknown,
} from "../../web/format.ts";

/** 20 Nov 2026, 07:18:02 UTC. */
const at = 1_795_159_082;
const utc = { timeZone: "UTC" };
const plain = (text: string) => text.replaceAll("\u202f", " ");

describe("numbers", () => {
  it.each([
    [0, "0"],
    [1_024, "1,024"],
    [9_999, "9,999"],
    [10_000, "10.0 k"],
    [412_345, "412 k"],
    [999_400, "999 k"],
    [999_600, "1.00 M"],
    [2_310_000, "2.31 M"],
    [14_200_000, "14.2 M"],
    [99_960_000, "100 M"],
    [1_020_000_000, "1.02 G"],
    [1e15, "1,000 T"],
  ])("counts %d as %s", (value, text) => {
    expect(plain(formatCount(value))).toBe(text);
  });

  it.each([
    [0, "$0.00"],
    [1, "<$0.01"],
    [9_999, "<$0.01"],
    [10_000, "$0.01"],
    [6_410_000, "$6.41"],
    [1_234_560_000, "$1,234.56"],
  ])("costs %d micros as %s", (micros, text) => {
    expect(formatCost(micros)).toBe(text);
  });

  it.each([
    [500_000, "500 kB"],
    [612_000_000, "612 MB"],
    [4_096_000_000, "4,096 MB"],
    [16_800_000_000, "16.8 GB"],
  ])("sizes %d as %s", (bytes, text) => {
    expect(plain(formatBytes(bytes))).toBe(text);
  });

  it("measures milliseconds, seconds and minutes", () => {
    expect(plain(formatMilliseconds(21))).toBe("21 ms");
    expect(plain(formatMilliseconds(11_400))).toBe("11.4 s");
    expect(plain(formatMilliseconds(125_000))).toBe("2 min");
  });

  it("never prints NaN", () => {
    for (const format of [
      formatCount,
      formatCost,
      formatBytes,
      formatMilliseconds,
      formatPercent,
      formatAge,
      formatSpan,
    ]) {
      expect(format(Number.NaN)).toBe(unknown);
    }
  });

  it("shows shares and plurals", () => {
    expect(plain(formatPercent(0.38))).toBe("38 %");
    expect(formatNumberOf(1, "session")).toBe("1 session");
    expect(formatNumberOf(9, "session")).toBe("9 sessions");
    expect(formatNumberOf(2, "entry", "entries")).toBe("2 entries");
  });
});

describe("times", () => {
  it.each([
    [-3, "0 s"],
    [4, "4 s"],
    [59, "59 s"],
    [2_460, "41 min"],
    [3 * 3_600, "3 h"],
    [6 * 86_400 + 4 * 3_600, "6 d"],
  ])("is %d s old: %s", (seconds, text) => {
    expect(plain(formatAge(seconds))).toBe(text);
  });

  it.each([
    [59, "59 s"],
    [2_460, "41 min"],
    [3_600, "1 h"],
    [6_120, "1 h 42 min"],
    [86_400, "1 d"],
    [86_400 + 59 * 60, "1 d"],
    [6 * 86_400 + 4 * 3_600, "6 d 4 h"],
  ])("spans %d s: %s", (seconds, text) => {
    expect(plain(formatSpan(seconds))).toBe(text);
  });

  it("is relative up to a day, then a date, with the year when it is another one", () => {
    expect(plain(formatRelative(at - 86_399, at, utc))).toBe("23 h");
    expect(formatRelative(at - 86_400, at, utc)).toBe("19 Nov");
    expect(formatRelative(at - 400 * 86_400, at, utc)).toBe("16 Oct 2025");
  });

  it("is exact in UTC for proofs, and names its zone in titles", () => {
    expect(formatExact(at)).toBe("20 Nov 2026, 07:18:02 UTC");
    expect(formatTitle(at, utc)).toBe("20 Nov 2026, 07:18:02 UTC");
    expect(formatIso(at)).toBe("2026-11-20T07:18:02Z");
    expect(formatClock(at, utc)).toBe("07:18");
  });

  it("groups by the day of the reader's zone", () => {
    const midnight = 1_795_132_800;
    expect(dayKey(midnight, utc)).not.toBe(dayKey(midnight - 1, utc));
    expect(dayKey(midnight, { timeZone: "America/New_York" })).toBe(
      dayKey(midnight - 1, { timeZone: "America/New_York" }),
    );
    expect(formatDay(at, at, utc)).toBe("Today");
    expect(formatDay(at - 86_400, at, utc)).toBe("Yesterday, 19 November");
    expect(formatDay(at - 2 * 86_400, at, utc)).toBe("18 November");
    expect(formatDay(at - 400 * 86_400, at, utc)).toBe("16 October 2025");
  });
});

describe("text", () => {
  it("groups hashes in fours and keeps both ends", () => {
    expect(formatHash("9f2c61d0")).toBe("9f2c 61d0");
    expect(formatHash("9f2c61d04be713aa80c5000000000000e41b")).toBe("9f2c 61d0 4be7 13aa … e41b");
  });

  it("lists names", () => {
    expect(formatList([])).toBe("");
    expect(formatList(["a"])).toBe("a");
    expect(formatList(["a", "b", "c"])).toBe("a, b and c");
  });
});

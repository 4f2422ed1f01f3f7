import { describe, expect, it } from "vitest";
import { compareValues, matches, pressed, sortingOf } from "../../../web/state/sheet-order.ts";

const sorted = (values: readonly (string | number | undefined)[], isDescending: boolean) =>
  values.toSorted((a, b) => compareValues(a, b, isDescending));

describe("the order of a list", () => {
  it("puts what has no value last, both ways", () => {
    expect(sorted([3, undefined, 1], false)).toEqual([1, 3, undefined]);
    expect(sorted([3, undefined, 1], true)).toEqual([3, 1, undefined]);
  });

  it("reads numbers in names", () => {
    expect(sorted(["job 10", "Job 9"], false)).toEqual(["Job 9", "job 10"]);
  });

  it("turns with a second press, and numbers begin with the highest", () => {
    expect([pressed("", "cost", true), pressed("-cost", "cost", true), pressed("cost", "cost", true)]).toEqual([
      "-cost",
      "cost",
      "-cost",
    ]);
    expect([pressed("-cost", "name", false), pressed("name", "name", false)]).toEqual(["name", "-name"]);
  });

  it("is read from the address", () => {
    expect(sortingOf("-cost")).toEqual({ column: "cost", isDescending: true });
    expect(sortingOf("name")).toEqual({ column: "name", isDescending: false });
  });
});

describe("the search of a list", () => {
  it("wants every word, in any order and case", () => {
    expect(matches("Agent:main:Telegram", "telegram main")).toBe(true);
    expect(matches("Agent:main", "telegram main")).toBe(false);
    expect(matches("anything", "  ")).toBe(true);
  });
});

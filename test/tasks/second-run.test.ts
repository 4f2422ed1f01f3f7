/** What a second run may excuse: few files of a run without stray errors, and only what it really ran green. */
import { describe, expect, it } from "vitest";
import type { FileRecord, RunRecord } from "./record.ts";
import { filesToTryAgain, isGreen, MOST_FILES, together } from "./second-run.ts";

const green = (path: string): FileRecord => ({
  path,
  isFailed: false,
  seconds: 1,
  passed: 2,
  failures: [],
  skipped: [],
});

const red = (path: string): FileRecord => ({
  ...green(path),
  isFailed: true,
  passed: 1,
  failures: [{ test: `a test of ${path}`, error: "too late" }],
});

const run = (...files: readonly FileRecord[]): RunRecord => ({ files, unhandled: [] });
const many = (count: number): readonly FileRecord[] =>
  Array.from({ length: count }, (_, index) => red(`${String(index)}.test.ts`));

describe("a second run", () => {
  it("is of the files that failed, and no others", () => {
    expect(filesToTryAgain(run(green("a"), red("b"), red("c")))).toEqual(["b", "c"]);
  });

  it("is not made of more files than a hiccup spoils", () => {
    expect(filesToTryAgain(run(...many(MOST_FILES)))).toHaveLength(MOST_FILES);
    expect(filesToTryAgain(run(...many(MOST_FILES + 1)))).toEqual([]);
  });

  it("is not made when an error belongs to no test: it would be gone, unseen", () => {
    expect(filesToTryAgain({ ...run(red("a")), unhandled: ["connection reset"] })).toEqual([]);
  });

  it("excuses what it ran green, by name and error", () => {
    const { record, forgiven } = together(run(green("a"), red("b")), run(green("b")));
    expect(isGreen(record)).toBe(true);
    expect(forgiven).toEqual([{ test: "a test of b", error: "too late" }]);
    expect(record.files.map(({ passed }) => passed)).toEqual([2, 2]);
  });

  it("excuses nothing that is red twice, or that it did not run", () => {
    for (const second of [run(red("b")), run(), run(green("other"))]) {
      const { record, forgiven } = together(run(green("a"), red("b")), second);
      expect(isGreen(record)).toBe(false);
      expect(forgiven).toEqual([]);
    }
  });

  it("excuses no error that belongs to no test", () => {
    const { record } = together(run(red("b")), { ...run(green("b")), unhandled: ["connection reset"] });
    expect(isGreen(record)).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { COSIGN_SKEW_SECONDS } from "../../../protocol/checkpoint.ts";
import { LogTimes } from "../../../web/client/log-times.ts";

const AT = 1_800_000_000;
/** An entry that is that much later, in seconds, than the cosignature. */
const entry = (index: number, later: number) => ({ index, at: (AT + later) * 1_000 });

function timesOf(...entries: readonly (readonly [index: number, later: number])[]): LogTimes {
  const times = new LogTimes();
  for (const [index, later] of entries) times.note(entry(index, later));
  return times;
}

const covered = (times: LogTimes, size = 100) => times.coveredBy({ size, at: AT });

describe("a cosignature", () => {
  it("covers its whole log where nothing speaks against it", () => {
    expect(covered(new LogTimes())).toBe(100);
    expect(covered(timesOf([1, -9_000], [50, -600], [100, COSIGN_SKEW_SECONDS]))).toBe(100);
  });

  it("covers no entry that is later than it, and none behind one", () => {
    const late = COSIGN_SKEW_SECONDS + 1;
    expect(covered(timesOf([10, -600], [40, late], [41, late + 600]))).toBe(39);
    expect(covered(timesOf([41, -600], [40, late]))).toBe(39); // whatever the entries after it say of themselves
    expect(covered(timesOf([101, late]))).toBe(100); // not of its log
    expect(covered(timesOf([1, late]))).toBe(0);
  });

  it("is judged the same in whatever order entries are seen", () => {
    const late = COSIGN_SKEW_SECONDS + 1;
    const entries = [
      [5, -500],
      [20, late + 300],
      [12, late],
      [30, late + 100],
      [8, late + 900],
      [8, late + 900],
    ] as const;
    for (let turn = 0; turn < entries.length; turn += 1) {
      const times = timesOf(...entries.slice(turn), ...entries.slice(0, turn));
      expect(covered(times)).toBe(7);
      expect(times.coveredBy({ size: 100, at: AT + 1_000 })).toBe(100);
      expect(times.coveredBy({ size: 100, at: AT + 899 })).toBe(7);
    }
  });

  it("is not what an earlier workspace left behind", () => {
    const times = timesOf([3, COSIGN_SKEW_SECONDS + 1]);
    times.forget();
    expect(covered(times)).toBe(100);
  });
});

/** A copy of a log far larger than what may be held in memory, through the real front, and by a program that is slow. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LongLog } from "./ledger/long-log.ts";

const ENTRIES = 200_000;
/** The file is some 120 MB; half of it held anywhere would show. */
const MEMORY_MB = 60;

let log: LongLog;
beforeAll(async () => {
  log = await LongLog.start(ENTRIES);
}, 600_000);
afterAll(() => log.stop());

describe(`a copy of ${ENTRIES} entries`, () => {
  it("is whole, and flat in memory", async () => {
    const { lines, bytes, beforeMb, peakMb } = await log.take("jsonl");
    expect(lines).toBeGreaterThan(ENTRIES);
    expect(bytes).toBeGreaterThan(2 * MEMORY_MB * 1e6 * 0.9);
    expect(peakMb - beforeMb).toBeLessThan(MEMORY_MB);
  }, 600_000);

  it("waits for whoever takes it slowly, and holds nothing meanwhile", async () => {
    let chunks = 0;
    const slow = async (): Promise<void> => {
      chunks += 1;
      if (chunks % 100 === 1) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const { beforeMb, peakMb, lines } = await log.take("csv", slow);
    expect(lines).toBeGreaterThan(ENTRIES);
    expect(peakMb - beforeMb).toBeLessThan(MEMORY_MB);
  }, 600_000);
});

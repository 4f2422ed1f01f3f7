import { describe, expect, it } from "vitest";
import { SigningAlarm } from "../../../durable-objects/ledger/signing-alarm.ts";
import { checkpointSeconds } from "../../../protocol/checkpoint.ts";
import { CHECKPOINT_SECONDS, MAX_CHECKPOINT_SECONDS, WITNESS_PATIENCE_SECONDS } from "../../../protocol/limits.ts";

describe("the period of checkpoints", () => {
  it("is the same up to a hundred hosts, longer in larger fleets, and has an end", () => {
    expect([0, 1, 100].map(checkpointSeconds)).toEqual([10, 10, 10]);
    expect(checkpointSeconds(101)).toBe(11);
    expect(checkpointSeconds(1_000)).toBe(100);
    expect([3_000, 100_000].map(checkpointSeconds)).toEqual([MAX_CHECKPOINT_SECONDS, MAX_CHECKPOINT_SECONDS]);
  });

  it("never lasts so long that a host misses its receipt meanwhile", () => {
    expect(2 * MAX_CHECKPOINT_SECONDS).toBeLessThanOrEqual(WITNESS_PATIENCE_SECONDS);
  });

  it("is taken from the fleet as it is when the alarm is set, and the fleet is looked at once in it", async () => {
    let at: number | null = null;
    let looks = 0;
    const storage = {
      getAlarm: () => Promise.resolve(at),
      setAlarm: (time: number | Date) => {
        at = Number(time);
        return Promise.resolve();
      },
    };
    const alarm = new SigningAlarm(storage, () => {
      looks += 1;
      return Promise.resolve(1_000);
    });
    await alarm.arm();
    await alarm.arm();
    expect(looks).toBe(1);
    expect((at ?? 0) - Date.now()).toBeGreaterThan(CHECKPOINT_SECONDS * 1_000);
  });
});

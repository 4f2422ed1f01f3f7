import { beforeAll, describe, expect, it } from "vitest";
import { Activity } from "../../../web/client/activity.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import { longLog } from "../../e2e/long-log/edge.ts";
import { makeWorld, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";
import type { SignedLog } from "./signed-log.ts";

const SIZE = 6_000;

let world: World;
let log: SignedLog;
beforeAll(async () => {
  world = await makeWorld();
  log = longLog(world, SIZE);
});

async function visit(shown = log): Promise<{ readonly activity: Activity; readonly far: FarEnd }> {
  const far = new FarEnd(world);
  far.log = shown;
  shown.asked.length = 0;
  const deps = far.deps();
  const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
  await activity.refresh();
  return { activity, far };
}

async function wanted(activity: Activity, first: number, last: number): Promise<void> {
  activity.rows.want(first, last);
  const isHere = () => activity.rows.item(first) !== undefined && activity.rows.item(last) !== undefined;
  await expect.poll(isHere, { interval: 2, timeout: 20_000 }).toBe(true);
}

const sealOf = (activity: Activity, index: number) => activity.rows.item(index)?.entry?.seal.state;

/** Takes this row out of the log, or bends it, for one test. */
async function bending(index: number, hash: string, work: () => Promise<void>): Promise<void> {
  const row = log.rows[index - 1];
  if (row === undefined) throw new TypeError("no row");
  log.rows[index - 1] = { ...row, hash };
  try {
    await work();
  } finally {
    log.rows[index - 1] = row;
  }
}

describe("the rows that a page holds", () => {
  it("are the newest, until somebody looks elsewhere", async () => {
    const { activity } = await visit();
    expect(activity.status.value).toMatchObject({ size: SIZE, verified: SIZE, from: SIZE - 199 });
    expect(activity.rows.item(SIZE - 199)?.entry?.seal.state).toBe("verified");
    expect(activity.rows.item(SIZE - 200)).toBeUndefined();
    expect(log.asked.filter((name) => name === "activity")).toHaveLength(1);
  });

  it("hang on the ones above where those are held, and on a proof of their own where not", async () => {
    const { activity } = await visit();
    await wanted(activity, SIZE - 230, SIZE - 200);
    expect(log.asked.filter((name) => name === "entryProof")).toHaveLength(1); // that of the end
    await wanted(activity, 1_000, 1_030);
    expect(log.asked.filter((name) => name === "entryProof")).toHaveLength(2);
    expect([sealOf(activity, 1_000), sealOf(activity, 1_030), sealOf(activity, SIZE - 230)]).toEqual(
      Array.from({ length: 3 }, () => "verified"),
    );
  });

  it("do not grow with what was looked at before", async () => {
    const { activity } = await visit();
    for (let first = 1; first < SIZE - 300; first += 60) await wanted(activity, first, first + 59);
    const held = Array.from({ length: SIZE }, (_, i) => activity.rows.item(i + 1)).filter((one) => one !== undefined);
    expect(held.length).toBeLessThanOrEqual(4_000);
    expect(sealOf(activity, SIZE)).toBe("verified"); // the newest are never forgotten
  }, 60_000);

  it("are asked for again after a silence", async () => {
    const { activity, far } = await visit();
    far.isSilent = (name) => name === "activity";
    activity.rows.want(10, 20);
    await expect.poll(() => activity.rows.trouble.value?.code).toBe("unreachable");
    far.isSilent = () => false;
    await wanted(activity, 10, 20);
    await expect.poll(() => activity.rows.trouble.value).toBeUndefined();
  });

  it("come to the newest again after a page slept through thousands", async () => {
    const asleep = longLog(world, SIZE);
    const rows = [...asleep.rows];
    asleep.rows.length = 500;
    asleep.signed = 500;
    const { activity } = await visit(asleep);
    asleep.rows.push(...rows.slice(500));
    asleep.signed = SIZE;
    await activity.refresh();
    expect(activity.status.value).toMatchObject({ size: SIZE, verified: SIZE, from: SIZE - 199 });
    expect(activity.status.value.failure).toBeUndefined();
  });
});

describe("a row in the middle that somebody changed", () => {
  it("is named, the one below it stands on its own proof, and the failure is the page's", () =>
    bending(2_000, "A".repeat(43), async () => {
      const { activity } = await visit();
      await wanted(activity, 1_990, 2_010);
      expect(activity.rows.item(2_000)?.broken).toBe("Entry 2000 was changed after it was written.");
      expect(sealOf(activity, 2_001)).toBe("verified");
      expect(sealOf(activity, 1_999)).toBe("verified");
      expect(activity.status.value.failure).toMatchObject({ index: 2_000, of: "entry" });
    }));

  it("from another log is not the one that the next names, whole as it is", async () => {
    const other = longLog({ ...world, host: "h-another" }, SIZE);
    const mixed = longLog(world, SIZE);
    await mixed.note(SIZE); // its tree is that of the honest log
    for (let index = 3_000; index < 3_020; index += 1) {
      const row = other.rows[index];
      if (row !== undefined) mixed.rows[index] = row;
    }
    const { activity } = await visit(mixed);
    await wanted(activity, 2_990, 3_040);
    expect(activity.status.value.failure?.reason).toMatch(/^Entry 30\d\d is not the one in the signed log\.$/);
    expect(sealOf(activity, 3_010)).toBe("unverified");
    expect(sealOf(activity, 3_030)).toBe("verified");
    expect(sealOf(activity, 2_995)).toBe("verified");
  });

  it("and right below rows that are held: the lowest of them names another", async () => {
    const other = longLog({ ...world, host: "h-another" }, SIZE);
    const mixed = longLog(world, SIZE);
    await mixed.note(SIZE);
    for (let index = SIZE - 300; index < SIZE - 200; index += 1) {
      const row = other.rows[index];
      if (row !== undefined) mixed.rows[index] = row;
    }
    const { activity } = await visit(mixed);
    await wanted(activity, SIZE - 230, SIZE - 200);
    expect(activity.status.value.failure).toEqual({
      index: SIZE - 200,
      reason: `Entry ${SIZE - 200} is not the one that the entry after it names.`,
      of: "entry",
    });
    expect(sealOf(activity, SIZE - 210)).toBe("unverified");
  });
});

describe("a moment", () => {
  it("is found by halving, not by walking", async () => {
    const { activity } = await visit();
    const at = log.now - 1_000 * 600;
    expect(await activity.indexBefore(at)).toEqual({ ok: true, value: SIZE - 1_001 });
    expect(log.asked.filter((name) => name === "activity").length).toBeLessThan(20);
    expect(await activity.indexBefore(0)).toEqual({ ok: true, value: 0 });
  });
});

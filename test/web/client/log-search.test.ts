import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Activity } from "../../../web/client/activity.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { LogMatches, LogQuery } from "../../../web/state/ledger.ts";
import { longLog } from "../../e2e/long-log/edge.ts";
import { makeWorld, NOW, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";
import type { SignedLog } from "./signed-log.ts";

let world: World;
let log: SignedLog;
let far: FarEnd;
beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(() => {
  log = longLog(world, 1_000);
  far = new FarEnd(world);
  far.log = log;
});

async function visit(): Promise<Activity> {
  const deps = far.deps();
  const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
  await activity.refresh();
  return activity;
}

async function settled(matches: LogMatches): Promise<void> {
  await expect.poll(() => matches.state.value.looking, { interval: 2, timeout: 20_000 }).toBe(false);
}

async function all(query: LogQuery): Promise<LogMatches> {
  const matches = (await visit()).find(query);
  await settled(matches);
  while (matches.state.value.end === "more") {
    matches.more();
    await settled(matches);
  }
  return matches;
}

const indicesOf = (matches: LogMatches) => matches.items.value.map(({ index }) => index);

describe("a filtered list", () => {
  it("has what matches, newest first, each proven by itself", async () => {
    const matches = await all({ actions: ["session.started"] });
    expect(indicesOf(matches)).toEqual(Array.from({ length: 100 }, (_, i) => 1_000 - i * 10));
    expect(new Set(matches.items.value.map(({ entry }) => entry?.seal.state))).toEqual(new Set(["verified"]));
    expect(matches.state.value).toMatchObject({ end: "all", scanned: 1 });
  });

  it("merges several kinds without losing the order or an entry", async () => {
    const matches = await all({ actions: ["session.started", "host.connected"] });
    expect(indicesOf(matches)).toEqual(Array.from({ length: 1_000 }, (_, i) => 1_000 - i));
  });

  it("takes time, actor and host with it", async () => {
    const since = NOW - 99 * 600;
    const matches = await all({ since, until: NOW - 10 * 600, actor: "p-ada" });
    expect(indicesOf(matches)).toEqual([980, 970, 960, 950, 940, 930, 920, 910]);
    expect(indicesOf(await all({ host: world.host, since: NOW - 15 * 600 })).includes(1_000)).toBe(false);
  });

  it("judges here what the edge cannot be asked", async () => {
    const matches = await all({ keeps: ({ index }) => index % 333 === 0 });
    expect(indicesOf(matches)).toEqual([999, 666, 333]);
  });

  it("gets what is written meanwhile at its front", async () => {
    const activity = await visit();
    const matches = activity.find({ actions: ["session.started"] });
    await settled(matches);
    far.log = longLog(world, 1_010, 1_000);
    await activity.refresh();
    expect(indicesOf(matches)[0]).toBe(1_010);
    matches.stop();
  });

  it("says when the edge does not answer, and goes on from there", async () => {
    const activity = await visit();
    far.isSilent = (name) => name === "activity";
    const matches = activity.find({ actions: ["session.started"] });
    await settled(matches);
    expect(matches.state.value).toMatchObject({ end: "more", trouble: { code: "unreachable" } });
    far.isSilent = () => false;
    matches.more();
    await settled(matches);
    expect(matches.items.value.length).toBeGreaterThan(0);
  });
});

describe("an edge that answers a filter with something else", () => {
  it("is caught where a row is not in the signed log", async () => {
    const honest = log.answer.bind(log);
    const other = longLog({ ...world, host: "h-another" }, 1_000);
    log.answer = async (name, input) => {
      const answer = (await honest(name, input)) as { rows: { index: number }[]; inclusion?: unknown };
      if (name === "activity" && answer.inclusion !== undefined)
        answer.rows = answer.rows.map((row) => (row.index === 500 ? (other.rows[499] ?? row) : row));
      return answer;
    };
    const matches = await all({ actions: ["session.started"] });
    expect(matches.items.value.find(({ index }) => index === 500)?.broken).toBe(
      "Entry 500 is not the one in the signed log.",
    );
    expect(matches.items.value.filter(({ broken }) => broken !== undefined)).toHaveLength(1);
  });

  it("ends, even where it repeats itself for ever", async () => {
    const honest = log.answer.bind(log);
    log.answer = (name, input) =>
      honest(
        name,
        name === "activity" && input.query["action"] !== undefined
          ? { ...input, query: { ...input.query, before: "1001" } }
          : input,
      );
    const matches = await all({ actions: ["session.started"] });
    expect(matches.state.value.end).toBe("all");
    expect(new Set(indicesOf(matches)).size).toBe(indicesOf(matches).length);
  });
});

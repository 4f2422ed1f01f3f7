import { describe, expect, it } from "vitest";
import {
  readAgents,
  readChannels,
  readCron,
  readHealth,
  readSessions,
  readSystem,
  readUsage,
  steadyUsage,
} from "../../../../agent/host/gateway/projection.ts";

const lies: readonly unknown[] = [
  undefined,
  null,
  7,
  "text",
  [],
  [[]],
  { ok: "yes" },
  { total: -1 },
  { total: 1.5 },
  { total: "3" },
  { totalCount: 1e300 },
  { daily: [{}] },
  { daily: {} },
  { agents: { length: 3 } },
  { channelAccounts: [1] },
  { processMemory: { rssBytes: "1" } },
];

describe("projection of lies", () => {
  it.each(lies.map((lie) => [JSON.stringify(lie) ?? "undefined", lie]))("reads nothing out of %s", (_name, lie) => {
    expect(readHealth(lie)).toBeUndefined();
    expect(readSystem(lie)).toEqual({});
    expect(readSessions(lie, lie)).toBeUndefined();
    expect(readUsage(lie)).toBeUndefined();
    expect(readCron(lie, lie, lie)).toBeUndefined();
    expect(readCron({ total: 3 }, { total: 2 }, lie)).toEqual({ total: 3, enabled: 2 });
    expect(readAgents({ agents: lie === undefined || Array.isArray(lie) ? {} : lie })).toBeUndefined();
    expect(readChannels(lie)).toBeUndefined();
  });

  it("refuses more channel accounts than anybody has", () => {
    expect(
      readChannels({ channelAccounts: { x: Array.from({ length: 1_001 }, () => ({ configured: true })) } }),
    ).toBeUndefined();
  });
});

const cost = (changes: object = {}, status = "fresh"): unknown => ({
  updatedAt: 1_795_161_460_471,
  daily: [
    { date: "2026-11-19", input: 9, output: 9, cacheRead: 9, totalTokens: 9, totalCost: 9 },
    {
      date: "2026-11-20",
      input: 2003,
      output: 68,
      cacheRead: 400,
      totalTokens: 2471,
      totalCost: 0.007149000000000001,
      ...changes,
    },
  ],
  cacheStatus: { status },
});

describe("projection of honest answers", () => {
  it("takes the last day, in millionths, with its own time", () => {
    expect(readUsage(cost())).toEqual({
      day: "2026-11-20",
      inputTokens: 2003,
      outputTokens: 68,
      cacheReadTokens: 400,
      totalTokens: 2471,
      costMicros: 7149,
      freshness: "fresh",
      asOf: 1_795_161_460,
    });
  });

  it.each([
    ["refreshing", "refreshing"],
    ["partial", "refreshing"],
    ["stale", "stale"],
    ["\u001b[0m", "stale"],
    ["toString", "stale"],
  ])("calls the cache status %j %s", (status, freshness) => {
    expect(readUsage(cost({}, status))?.freshness).toBe(freshness);
  });

  it.each([
    { date: "today" },
    { input: -1 },
    { totalCost: "0" },
    { totalCost: Number.NaN },
    { totalCost: 1e300 },
    { totalTokens: null },
  ])("leaves usage out with %j", (changes) => {
    expect(readUsage(cost(changes))).toBeUndefined();
  });

  it("does not count down while the gateway recomputes", () => {
    const before = readUsage(cost());
    const empty = readUsage({
      ...(cost({ input: 0, totalTokens: 0, totalCost: 0 }, "refreshing") as object),
      updatedAt: 1_795_161_490_000,
    });
    expect(steadyUsage(before, empty)).toEqual({ ...before, freshness: "refreshing" });
    expect(steadyUsage(undefined, empty)).toBe(empty);
    expect(steadyUsage(before, undefined)).toBe(before);
  });

  it("takes a new day, and no older answer", () => {
    const before = readUsage(cost());
    const tomorrow = readUsage({
      ...(cost({ date: "2026-11-21", totalTokens: 1 }, "refreshing") as object),
      updatedAt: 1_795_247_860_000,
    });
    expect(steadyUsage(before, tomorrow)).toBe(tomorrow);
    expect(steadyUsage(tomorrow, before)).toBe(tomorrow);
  });

  it("counts channels by what they say", () => {
    const channelAccounts = {
      telegram: [
        { configured: true, running: true },
        { configured: true, connected: false, running: true },
      ],
      discord: [{ configured: false, running: true }],
    };
    expect(readChannels({ channelAccounts })).toEqual({ configured: 2, connected: 1 });
  });

  it("is well only if health says so and the model runtime is not degraded", () => {
    expect(readHealth({ ok: true, modelRuntime: { degraded: false } })).toBe(true);
    expect(readHealth({ ok: true, modelRuntime: { degraded: true } })).toBe(false);
    expect(readHealth({ ok: false })).toBe(false);
  });
});

import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { isOperationName, operations } from "../../../../../protocol/operations.ts";
import { reads } from "../../../../../protocol/reads.ts";
import { adviceOf, rules, type AdviceFacts } from "../../../../../agent/host/gateway/readings/advice-rules.ts";

const NOW = 1_795_000_000;
const DAY = 86_400;
const tag = (prefix: string): string => `${prefix}-0123456789abcdef`;
const subject = "A".repeat(43);

const unseen: AdviceFacts = {
  now: NOW,
  openListeners: undefined,
  channels: undefined,
  commandsUnasked: undefined,
  terminal: undefined,
  autoPairing: undefined,
  jobs: undefined,
  devices: undefined,
  sessions: undefined,
  models: undefined,
  tokens: undefined,
  days: undefined,
  drift: undefined,
  version: undefined,
  memory: undefined,
};

const channel = { tag: tag("c"), subject, name: "telegram", configured: true, running: true, allowed: [], waiting: [] };
const job = {
  tag: tag("j"),
  subject,
  name: "Nightly",
  enabled: true,
  schedule: { kind: "other" },
  work: "other",
} as const;
const device = { tag: tag("d"), subject, name: "Phone", roles: [], scopes: [], connected: false, isOurs: false };
const share = { tag: tag("mo"), name: "large", inputTokens: 0, outputTokens: 0 };
const dear = { ...share, totalTokens: 100, costMicros: 9_000_000 };
const cheap = { ...share, name: "small", totalTokens: 900, costMicros: 1_000_000 };
const before = Array.from({ length: 6 }, () => ({ date: "2026-11-19", tokens: 10_000, messages: 10 }));

/** Facts that give the advice, and facts just short of it. */
const cases = [
  ["exposed", { openListeners: 1 }, { openListeners: 0 }],
  ["open_channel", { channels: [{ ...channel, direct: "open" }] }, { channels: [{ ...channel, direct: "pairing" }] }],
  ["exec_unasked", { commandsUnasked: true }, { commandsUnasked: false }],
  ["terminal_on", { terminal: true }, { terminal: false }],
  ["auto_pairing", { autoPairing: true }, { autoPairing: false }],
  ["job_failing", { jobs: [{ ...job, failuresInARow: 3 }] }, { jobs: [{ ...job, failuresInARow: 2 }] }],
  [
    "device_idle",
    { devices: [{ ...device, lastSeenAt: NOW - 30 * DAY }] },
    { devices: [{ ...device, lastSeenAt: NOW - 29 * DAY }] },
  ],
  [
    "session_large",
    { sessions: [{ tag: tag("s"), key: "k", tokens: 70, limit: 100 }] },
    { sessions: [{ tag: tag("s"), key: "k", tokens: 69, limit: 100 }] },
  ],
  ["model_costly", { models: [dear, cheap] }, { models: [{ ...dear, totalTokens: 900 }, cheap] }],
  ["cache_cold", { tokens: { input: 200_000, cacheRead: 1 } }, { tokens: { input: 199_000, cacheRead: 1 } }],
  [
    "context_growing",
    { days: [...before, { date: "2026-11-20", tokens: 30_000, messages: 20 }] },
    { days: [...before, { date: "2026-11-20", tokens: 29_000, messages: 20 }] },
  ],
  ["config_drifted", { drift: { paths: 1, version: 4 } }, { drift: { paths: 0, version: 4 } }],
  ["version_old", { version: "2026.7.1" }, { version: "2026.9.6" }],
  ["memory_high", { memory: { used: 60, total: 100 } }, { memory: { used: 59, total: 100 } }],
] as const satisfies readonly (readonly [string, Partial<AdviceFacts>, Partial<AdviceFacts>])[];

describe.each(cases)("%s", (id, given, short) => {
  it("is given at its limit with a figure, and not before", () => {
    const advice = adviceOf({ ...unseen, ...given });
    expect(advice.map((one) => one.id)).toEqual([id]);
    expect(advice[0]?.figures.length).toBeGreaterThan(0);
    expect(v.is(reads["gateway.advice@1"].result, { at: NOW, advice })).toBe(true);
    expect(adviceOf({ ...unseen, ...short })).toEqual([]);
  });

  it("has a remedy that can be asked for as it stands, or none", () => {
    const remedy = adviceOf({ ...unseen, ...given })[0]?.remedy;
    if (remedy === undefined)
      return expect(["model_costly", "cache_cold", "context_growing", "version_old"]).toContain(id);
    expect(isOperationName(remedy.operation)).toBe(true);
    if (isOperationName(remedy.operation))
      expect(v.is(operations[remedy.operation].args as v.GenericSchema, remedy.args)).toBe(true);
  });
});

describe("adviceOf", () => {
  it("has a rule and a test for every id of the protocol", () => {
    expect(cases.map(([id]) => id).toSorted()).toEqual(Object.keys(rules).toSorted());
  });

  it("says nothing where nothing could be seen", () => expect(adviceOf(unseen)).toEqual([]));

  it("spares our own devices, connected ones and those never seen", () => {
    const devices = [{ ...device, lastSeenAt: 0, isOurs: true }, { ...device, lastSeenAt: 0, connected: true }, device];
    expect(adviceOf({ ...unseen, devices })).toEqual([]);
  });

  it("names the urgent first, and no more than five of a kind", () => {
    const devices = Array.from({ length: 50 }, () => ({ ...device, lastSeenAt: 0 }));
    const advice = adviceOf({ ...unseen, devices, autoPairing: true, openListeners: 2 });
    expect(advice.map(({ weight }) => weight)).toEqual([
      "urgent",
      "worthwhile",
      ...Array.from({ length: 5 }, () => "minor"),
    ]);
  });
});

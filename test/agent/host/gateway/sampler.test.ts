import { mkdtempSync, rmSync, writeFileSync, statSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as v from "valibot";
import type { GatewayConnection } from "../../../../agent/host/gateway/client.ts";
import { GatewayError } from "../../../../agent/host/gateway/faults.ts";
import { historyFile } from "../../../../agent/host/gateway/history-file.ts";
import { startSampler, type Sampler } from "../../../../agent/host/gateway/sampler.ts";
import { openTags } from "../../../../agent/host/gateway/tags.ts";
import { samplesSchema } from "../../../../protocol/history.ts";
import { MAX_SAMPLES } from "../../../../protocol/limits.ts";
import type { Telemetry } from "../../../../protocol/telemetry.ts";
import { telemetrySample } from "../../../fixtures/telemetry.ts";

const START = 1_800_000_000_000;

let directory: string;
let clock: number;
let seen: Telemetry | undefined;
let asked: string[];
let answers: Record<string, unknown>;
let logged: string[];
let samplers: Sampler[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sampler-"));
  clock = START;
  seen = telemetrySample;
  asked = [];
  answers = { "sessions.usage": usageAnswer, "cron.runs": { entries: [] } };
  logged = [];
  samplers = [];
});
afterEach(() => {
  for (const sampler of samplers) sampler.stop();
  rmSync(directory, { recursive: true, force: true });
});

const usageAnswer = {
  cacheStatus: { status: "fresh" },
  sessions: [{ key: "agent:main:secret title" }],
  aggregates: {
    byModel: [
      { provider: "fake", model: "fake-1", totals: { totalTokens: 1_000, totalCost: 0.04 } },
      { provider: "fake", model: "fake-2", totals: { totalTokens: 250, totalCost: 0.002 } },
      { provider: "fake", model: "unused", totals: { totalTokens: 0, totalCost: 0 } },
    ],
    byAgent: [{ agentId: "main", totals: { totalTokens: 1_250, totalCost: 0.042 } }],
  },
};

function withUsage(change: Partial<NonNullable<Telemetry["usage"]>>): Telemetry {
  const { usage } = telemetrySample;
  return usage === undefined ? telemetrySample : { ...telemetrySample, usage: { ...usage, ...change } };
}

const connection = {
  call: (method: string) => {
    asked.push(method);
    const answer = answers[method];
    if (answer instanceof GatewayError) return Promise.reject(answer);
    return Promise.resolve(answer);
  },
} as unknown as GatewayConnection;

function start(): Sampler {
  const sampler = startSampler({
    telemetry: () => seen,
    connection: () => connection,
    tags: openTags(directory),
    file: historyFile(directory, (code) => logged.push(code)),
    now: () => clock,
    log: (code) => logged.push(code),
  });
  samplers.push(sampler);
  return sampler;
}

async function note(sampler: Sampler, times = 1): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    await sampler.note();
    clock += 60_000;
  }
}

describe("a sample", () => {
  it("holds figures and short names, and nothing that the gateway calls anything", async () => {
    const sampler = start();
    await note(sampler);
    const samples = sampler.after(0);
    expect(v.is(samplesSchema, samples)).toBe(true);
    expect(samples[0]).toMatchObject({
      at: START / 1_000,
      state: "running",
      sessions: 2,
      loopMs: 3,
      usage: { day: "2027-01-15", tokens: 1_250, costMicros: 42_000 },
    });
    expect(samples[0]?.usage?.models).toMatchObject([
      { tokens: 1_000, costMicros: 40_000 },
      { tokens: 250, costMicros: 2_000 },
    ]);
    expect(JSON.stringify(samples)).not.toMatch(/fake|main|secret|boot-0001/);
  });

  it("leaves usage out while the gateway still computes it", async () => {
    seen = withUsage({ freshness: "refreshing" });
    const sampler = start();
    await note(sampler);
    expect(sampler.after(0)[0]).not.toHaveProperty("usage");
  });

  it("takes what grew while the gateway computes, and not what fell", async () => {
    const sampler = start();
    await note(sampler);
    for (const totalTokens of [0, 1_300]) {
      seen = withUsage({ freshness: "refreshing", totalTokens });
      await note(sampler);
    }
    expect(sampler.after(0).map(({ usage }) => usage?.tokens)).toEqual([1_250, undefined, 1_300]);
  });

  it("asks again for shares that were not whole", async () => {
    answers["sessions.usage"] = { ...usageAnswer, cacheStatus: { status: "partial" } };
    const sampler = start();
    await note(sampler, 2);
    expect(asked.filter((method) => method === "sessions.usage")).toHaveLength(2);
  });

  it("costs the gateway one question when no token was used since the last", async () => {
    const sampler = start();
    await note(sampler, 3);
    expect(asked.filter((method) => method === "sessions.usage")).toHaveLength(1);
    seen = withUsage({ totalTokens: 2_000 });
    await note(sampler);
    expect(asked.filter((method) => method === "sessions.usage")).toHaveLength(2);
  });

  it("counts each run of a job once, by how it ended", async () => {
    const run = (ts: number, status: string) => ({ ts, action: "finished", status, summary: "a secret" });
    const entries = [run(START - 60_000, "ok"), run(START + 1_000, "ok"), run(START + 2_000, "error")];
    answers["cron.runs"] = { entries };
    const sampler = start();
    clock += 60_000;
    await note(sampler, 2);
    expect(sampler.after(0).map(({ jobs }) => jobs)).toEqual([
      { ok: 1, failed: 1 },
      { ok: 0, failed: 0 },
    ]);
  });

  it("is taken of a gateway that answers nonsense, an error or nothing", async () => {
    for (const nonsense of [
      undefined,
      "text",
      { aggregates: { byModel: "x", byAgent: [] } },
      { aggregates: { byModel: Array.from({ length: 5_000 }, () => ({})), byAgent: [] }, entries: 4 },
      { aggregates: { byModel: [{ model: "m", totals: { totalTokens: -1, totalCost: Infinity } }], byAgent: [{}] } },
      new GatewayError("timeout"),
    ]) {
      answers = { "sessions.usage": nonsense, "cron.runs": nonsense };
      const sampler = start();
      await note(sampler);
      const samples = sampler.after(0);
      expect(v.is(samplesSchema, samples)).toBe(true);
      expect(samples.at(-1)?.usage).toMatchObject({ tokens: 1_250, models: [], agents: [] });
      sampler.stop();
    }
  });

  it("is taken of a gateway that is stopped, without figures", async () => {
    seen = { ...telemetrySample, gateway: { state: "stopped", demo: false, listens: [] } };
    delete seen.sessions;
    delete seen.usage;
    const sampler = start();
    await note(sampler);
    expect(sampler.after(0)).toMatchObject([{ state: "stopped" }]);
    expect(sampler.after(0)[0]).not.toHaveProperty("sessions");
  });
});

describe("samples", () => {
  it("are kept over a restart, for their owner alone", async () => {
    const first = start();
    await note(first, 3);
    first.stop();
    expect(statSync(join(directory, "history.json")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, "history.json"), "utf8")).not.toMatch(/fake|main|secret/);
    expect(start().after(0)).toEqual(first.after(0));
  });

  it("begin anew where the file is damaged or others could read it", () => {
    const path = join(directory, "history.json");
    writeFileSync(path, '[{"at":"never"}]', { mode: 0o600 });
    expect(start().after(0)).toEqual([]);
    writeFileSync(path, "[]", { mode: 0o644 });
    rmSync(path);
    writeFileSync(path, "[]", { mode: 0o644 });
    expect(start().after(0)).toEqual([]);
    expect(logged).toEqual(["kept_file_damaged", "kept_file_exposed"]);
  });

  it("are so many and no more, the newest, in the order of time also after the clock was set back", async () => {
    const sampler = start();
    await note(sampler, MAX_SAMPLES + 5);
    expect(sampler.after(0)).toHaveLength(MAX_SAMPLES);
    clock -= 10 * 60_000;
    await note(sampler);
    const times = sampler.after(0).map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBe((clock - 60_000) / 1_000);
  });
});

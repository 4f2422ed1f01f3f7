import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gatewayStates, telemetrySchema } from "../../../../protocol/telemetry.ts";
import { GatewayAddressError } from "../../../../agent/host/gateway/discover.ts";
import { hello, ok, refuse, startHostileGateway } from "./fixtures/hostile-gateway.ts";
import type { Asked, HostileGateway, Script } from "./fixtures/hostile-gateway.ts";
import { makeBench, targetOf, watch } from "./fixtures/watching.ts";
import type { Bench, Watching } from "./fixtures/watching.ts";

let bench: Bench;
let gateway: HostileGateway | undefined;
let watching: Watching | undefined;

beforeEach(async () => {
  bench = await makeBench();
});

afterEach(async () => {
  await watching?.reader.stop();
  await gateway?.close();
  await bench.remove();
  watching = undefined;
  gateway = undefined;
});

async function watchScript(script: Script, changes: object = {}): Promise<Watching> {
  const started = await startHostileGateway(script);
  gateway = started;
  watching = watch(bench, () => Promise.resolve(targetOf(started.port)), changes);
  return watching;
}

const CANARY = "CANARY-0451";
const honest: Readonly<Record<string, unknown>> = {
  health: { ok: true, agents: [{ heartbeat: { prompt: CANARY } }] },
  "system.info": { hostname: CANARY, processMemory: { rssBytes: 900 }, eventLoop: { delayP99Ms: 12.1 } },
  "sessions.list": { totalCount: 3, sessions: [{ displayName: CANARY, lastMessage: CANARY }] },
  "usage.cost": {
    updatedAt: 1_795_161_460_471,
    daily: [{ date: "2026-11-20", input: 1, output: 2, cacheRead: 3, totalTokens: 6, totalCost: 0.5 }],
    cacheStatus: { status: "fresh" },
  },
  "agents.list": { agents: [{ id: CANARY }] },
  "cron.list": { total: 2, jobs: [{ payload: { message: CANARY } }] },
  "config.get": {
    valid: true,
    hash: "a-hash-of-the-file",
    configRevisionHash: "what-is-written",
    appliedConfigHash: "what-is-written",
    parsed: { talk: CANARY },
  },
  "channels.status": { channelAccounts: { [CANARY]: [{ configured: true, running: true, name: CANARY }] } },
};

function answerWith(answers: Readonly<Record<string, unknown>>) {
  return (asked: Asked): unknown =>
    asked.method === "connect" ? ok(asked, hello()) : ok(asked, answers[asked.method]);
}

describe("how the configuration stands", () => {
  const config = honest["config.get"] as object;

  it.each([
    [{}, "applied"],
    [{ appliedConfigHash: "something-else" }, "pending"],
    [{ valid: false, issues: [{ message: CANARY }] }, "invalid"],
    [{ parsed: { talk: CANARY, more: true } }, "drifted"],
    [{ parsed: { talk: CANARY, meta: { lastTouchedVersion: "2026.9.6" } } }, "applied"],
  ] as const)("%o is %s", async (change, standing) => {
    const { until } = await watchScript(
      { answer: answerWith({ ...honest, "config.get": { ...config, ...change } }) },
      { keptConfiguration: () => ({ talk: CANARY }) },
    );
    const seen = await until((telemetry) => telemetry.gateway.configuration !== undefined);
    expect(seen.gateway.configuration).toBe(standing);
  });

  it("is seen without a file of ours that cannot be read", async () => {
    const unreadable = (): unknown => {
      throw new Error("EIO");
    };
    const { until } = await watchScript({ answer: answerWith(honest) }, { keptConfiguration: unreadable });
    const seen = await until((telemetry) => telemetry.gateway.configuration !== undefined);
    expect(seen.gateway).toMatchObject({ configuration: "applied", support: "known" });
  });

  it("says nothing of an answer that is none", async () => {
    const { until } = await watchScript({ answer: answerWith({ ...honest, "config.get": { parsed: CANARY } }) });
    const seen = await until((telemetry) => telemetry.cron !== undefined);
    expect(seen.gateway.configuration).toBeUndefined();
    expect(seen.cron).toEqual({ total: 2, enabled: 2, failing: 2 });
  });
});

describe("what is handed out", () => {
  it("has the figures and not one word of the content", async () => {
    const { until, seen } = await watchScript({ answer: answerWith(honest) });
    const full = await until((telemetry) => telemetry.usage !== undefined && telemetry.agents !== undefined);
    expect(full).toMatchObject({
      gateway: { state: "running", version: "2026.9.6", uptimeSeconds: 5, rssBytes: 900, eventLoopDelayMs: 13 },
      sessions: { total: 3, active: 3 },
      usage: { costMicros: 500_000, totalTokens: 6 },
      agents: 1,
      cron: { total: 2, enabled: 2 },
      channels: { configured: 1, connected: 1 },
    });
    expect(full.gateway.listens).toEqual([{ address: "127.0.0.1", port: gateway?.port, loopback: true }]);
    expect(JSON.stringify(seen) + bench.logged.join()).not.toContain(CANARY);
  });

  it("always fits the schema, whatever a gateway claims", async () => {
    const junk: unknown[] = [
      "\u001b[2J",
      -1,
      1e300,
      null,
      [],
      {},
      { ok: 1 },
      { totalCount: "9" },
      { daily: [[]] },
      { total: Number.MAX_SAFE_INTEGER },
    ];
    let turn = 0;
    const { seen, until } = await watchScript({
      answer: (asked) => {
        turn += 1;
        const server = { version: "\u001b]0;owned\u0007", bootId: "../../etc/passwd" };
        return asked.method === "connect" ? ok(asked, hello({ server })) : ok(asked, junk[turn % junk.length]);
      },
      http: (_request, response) => response.end(JSON.stringify({ ready: true, uptimeMs: 1e300 })),
    });
    await until(() => turn > 60);
    for (const telemetry of seen) expect(v.is(telemetrySchema, telemetry)).toBe(true);
    expect(seen.at(-1)?.gateway.version).toBeUndefined();
    expect(seen.at(-1)?.gateway.bootId).toBeUndefined();
    expect(bench.logged).toEqual([]);
  });

  it("asks only with read scope, never for content, and only methods that it reads", async () => {
    const { until } = await watchScript({ answer: answerWith(honest) });
    await until((telemetry) => telemetry.gateway.configuration !== undefined);
    expect(gateway?.asked[0]?.params).toMatchObject({ scopes: ["operator.read"], caps: ["session-scoped-events"] });
    const methods = new Set(gateway?.asked.slice(1).map((asked) => asked.method));
    expect([...methods].sort()).toEqual(Object.keys(honest).sort());
  });
});

describe("states", () => {
  it.each([
    ["unauthorized", (asked: Asked) => refuse(asked, "INVALID_REQUEST", "AUTH_TOKEN_MISMATCH")],
    ["unauthorized", (asked: Asked) => refuse(asked, "NOT_PAIRED", "PAIRING_REQUIRED")],
    ["unsupported", (asked: Asked) => refuse(asked, "INVALID_REQUEST", "PROTOCOL_MISMATCH")],
    ["unsupported", () => "this is no gateway"],
    ["starting", (asked: Asked) => refuse(asked, "UNAVAILABLE")],
    ["degraded", (asked: Asked) => (asked.method === "connect" ? ok(asked, hello()) : ok(asked, { ok: false }))],
    ["degraded", (asked: Asked) => (asked.method === "connect" ? ok(asked, hello()) : refuse(asked, "UNAVAILABLE"))],
  ] as const)("%s", async (state, answer) => {
    const { until } = await watchScript({ answer });
    expect((await until((telemetry) => telemetry.gateway.state === state)).gateway.state).toBe(state);
    expect(gatewayStates).toContain(state);
  });

  it("starting, while the gateway's own readiness says so", async () => {
    const { until } = await watchScript({
      answer: answerWith(honest),
      http: (_request, response) => response.end(JSON.stringify({ ready: false, uptimeMs: 100 })),
    });
    expect((await until(() => true)).gateway.state).toBe("starting");
  });

  it("degraded, when its readiness hangs", async () => {
    const { until } = await watchScript({
      answer: answerWith(honest),
      http: (_request, response) => response.end("not JSON"),
    });
    expect((await until(() => true)).gateway.state).toBe("degraded");
  });

  it.each([
    ["none", { isConfigured: false, configuration: "absent" }],
    ["stopped", {}],
    ["config_invalid", { configuration: "invalid" }],
  ] as const)("%s, when nobody listens", async (state, changes) => {
    const gone = await startHostileGateway();
    await gone.close();
    watching = watch(bench, () => Promise.resolve(targetOf(gone.port, changes)));
    expect((await watching.until(() => true)).gateway).toEqual({ state, demo: false, listens: [] });
  });

  it("config_invalid, when the gateway that we started said so", async () => {
    const gone = await startHostileGateway();
    await gone.close();
    watching = watch(bench, () => Promise.resolve(targetOf(gone.port)), { exitedOnConfiguration: () => true });
    expect((await watching.until(() => true)).gateway.state).toBe("config_invalid");
  });

  it("a running gateway with a broken file on disk is running", async () => {
    const started = await startHostileGateway({ answer: answerWith(honest) });
    gateway = started;
    watching = watch(bench, () => Promise.resolve(targetOf(started.port, { configuration: "invalid" })));
    expect((await watching.until(() => true)).gateway.state).toBe("running");
  });

  it("stopped and running again with another boot, in that order", async () => {
    const { until, seen } = await watchScript({ answer: answerWith(honest) });
    await until((telemetry) => telemetry.gateway.state === "running");
    const port = gateway?.port ?? 0;
    await gateway?.close();
    const stopped = await until((telemetry) => telemetry.gateway.state === "stopped");
    expect(stopped.gateway.bootId).toBeUndefined();
    expect(stopped.sessions).toBeUndefined();
    const server = { version: "2026.9.6", bootId: "99999999-2222" };
    gateway = await startHostileGateway(
      { answer: (asked) => (asked.method === "connect" ? ok(asked, hello({ server })) : ok(asked, {})) },
      port,
    );
    await until((telemetry) => telemetry.gateway.bootId === "99999999-2222");
    expect(seen.map((telemetry) => telemetry.gateway.state)).toContain("stopped");
  });
});

describe("the loop", () => {
  it("goes on after a local failure and says so by code", async () => {
    let calls = 0;
    const started = await startHostileGateway({ answer: answerWith(honest) });
    gateway = started;
    watching = watch(bench, () => {
      calls += 1;
      return calls === 1
        ? Promise.reject(new GatewayAddressError("it is elsewhere"))
        : Promise.resolve(targetOf(started.port));
    });
    await watching.until((telemetry) => telemetry.gateway.state === "running");
    expect(bench.logged).toContain('gateway_local {"code":"gateway_address"}');
  });

  it("ends at a mistake of ours instead of hiding it", async () => {
    const mistaken = watch(bench, () => Promise.reject(new TypeError("mistake")));
    await expect(mistaken.reader.stop()).rejects.toThrow("mistake");
    expect(bench.logged).toEqual(['reader_failed {"name":"TypeError"}']);
  });

  it("logs no word of a gateway", async () => {
    const { until } = await watchScript({
      answer: (asked) => ({ ...refuse(asked, "INVALID_REQUEST", `${CANARY} x`), more: CANARY }),
    });
    await until(() => bench.logged.length > 0);
    expect(bench.logged.join()).not.toContain(CANARY);
  });

  it("survives a flood and comes back later", async () => {
    const { until } = await watchScript({
      answer: (asked, socket) => {
        if (asked.method === "connect") return ok(asked, hello());
        for (let sent = 0; sent < 25_000; sent += 1) socket.send('{"type":"event","event":"cron"}');
        return ok(asked, {});
      },
    });
    await until(() => (gateway?.asked ?? []).filter((asked) => asked.method === "connect").length >= 2);
  });
});

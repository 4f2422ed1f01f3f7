/**
 * Against a real OpenClaw gateway with a real model turn behind every figure: nothing here is scripted but the model's
 * reply. Needs npm's registry or an installation in CLAWHOLD_TEST_CACHE, and a minute.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { telemetrySchema } from "../../../../protocol/telemetry.ts";
import { runTurns } from "../../../../agent/host/demo/activity.ts";
import { startDemoGateway } from "../../../../agent/host/demo/demo.ts";
import type { DemoGateway } from "../../../../agent/host/demo/demo.ts";
import { openGateway } from "../../../../agent/host/gateway/client.ts";
import { gatewayControl } from "../../../../agent/host/gateway/control.ts";
import { GatewayCredential } from "../../../../agent/host/gateway/credential.ts";
import { openDevice, transientDevice } from "../../../../agent/host/gateway/device.ts";
import type { DeviceStore } from "../../../../agent/host/gateway/device.ts";
import { discoverGateway } from "../../../../agent/host/gateway/discover.ts";
import type { GatewayTarget } from "../../../../agent/host/gateway/discover.ts";
import { watch } from "./fixtures/watching.ts";
import type { Bench, Watching } from "./fixtures/watching.ts";

const CANARY = "CANARY-7f3a-plum-harbour";
const cache =
  process.env["CLAWHOLD_TEST_CACHE"] ?? fileURLToPath(new URL("../../../../.cache/openclaw", import.meta.url));

let directory = "";
let demo: DemoGateway;
let token = "";
let tokenFile = "";
let store: DeviceStore;
let bench: Bench;
let watching: Watching;

/** The token file is a copy, so that a test can take the right token away from the reader. */
const target = (): Promise<GatewayTarget> =>
  discoverGateway({ explicitUrl: demo.url, tokenFile, environment: {}, homeDirectory: directory });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "real-gateway-"));
  demo = await startDemoGateway({
    dataDirectory: directory,
    installDirectory: cache,
    node: process.execPath,
    environment: process.env,
    agentVersion: "0.1.0",
    fetchAllowed: true,
    say: () => undefined,
    log: () => undefined,
    withActivity: false,
  });
  token = (await readFile(demo.tokenFile, "utf8")).trim();
  tokenFile = join(directory, "token");
  await writeFile(tokenFile, token, { mode: 0o600 });
  const deps = { url: demo.url, token, agentVersion: "0.1.0", log: () => undefined };
  await runTurns(deps, [
    { session: "first", message: `Remember ${CANARY}` },
    { session: "second", message: `Repeat ${CANARY}` },
  ]);
  store = await openDevice(join(directory, "keys"), "reader");
  bench = { directory, store, logged: [], remove: () => Promise.resolve() };
  watching = watch(bench, target, { demo: true, random: Math.random, pollMilliseconds: 2_000 });
}, 240_000);

afterAll(async () => {
  await watching.reader.stop();
  await demo.stop();
  await rm(directory, { recursive: true, force: true });
}, 30_000);

describe("a real gateway", () => {
  it("shows version, sessions, tokens and cost", async () => {
    const full = await watching.until(
      (telemetry) => (telemetry.usage?.costMicros ?? 0) > 0 && telemetry.agents !== undefined,
    );
    expect(v.parse(telemetrySchema, full)).toEqual(full);
    expect(full.gateway).toMatchObject({ state: "running", demo: true, version: "2026.9.6" });
    expect(full.gateway.listens.length).toBeGreaterThan(0);
    expect(full.gateway.listens.every((listener) => listener.loopback)).toBe(true);
    expect(full.sessions).toEqual({ total: 2, active: 2 });
    expect(full.usage?.totalTokens).toBeGreaterThan(1_000);
    expect(full.agents).toBe(1);
    expect(full.cron?.total).toBeGreaterThan(0);
    expect(full.channels).toEqual({ configured: 0, connected: 0 });
  }, 60_000);

  it("sends no message text, also while turns run", async () => {
    const before = watching.seen.length;
    await runTurns({ url: demo.url, token, agentVersion: "0.1.0", log: () => undefined }, [
      { session: "third", message: `And ${CANARY} once more` },
    ]);
    await watching.until((telemetry) => telemetry.sessions?.total === 3);
    expect(watching.seen.length).toBeGreaterThan(before);
    const all = JSON.stringify(watching.seen) + bench.logged.join("\n");
    expect(all).not.toContain(CANARY);
    expect(all).not.toContain("All quiet");
    expect(all).not.toContain(token);
    // The gateway itself did keep it, so its absence above means something.
    expect(
      await connectAsAdministrator((call) => call("sessions.get", { key: "agent:main:third", limit: 5 })),
    ).toContain(CANARY);
  }, 60_000);

  it("restarts: another boot, seen by warden and reader", async () => {
    const warden = await openDevice(join(directory, "keys"), "warden");
    const control = gatewayControl({
      target,
      store: warden,
      agentVersion: "0.1.0",
      log: () => undefined,
      elapsed: () => performance.now(),
      now: () => Date.now(),
      directory: join(directory, "kept"),
    });
    const observed = await control.bootId();
    const { before, after } = await control.restart();
    expect(before).toBe(observed);
    expect(after).toMatch(/^[0-9a-f-]{36}$/);
    expect(after).not.toBe(before);
    await watching.until((telemetry) => telemetry.gateway.state === "stopped");
    const back = await watching.until((telemetry) => telemetry.gateway.bootId === after);
    expect(back.gateway.uptimeSeconds).toBeLessThan(60);
    expect(await control.bootId()).toBe(after);
  }, 120_000);

  it("pairs again after its token was revoked, and says unauthorized when it cannot", async () => {
    const given = await store.token(demo.url);
    expect(given).toBeDefined();
    const revoke = (): Promise<string> =>
      connectAsAdministrator((call) => call("device.token.revoke", { deviceId: store.device.id, role: "operator" }));
    await revoke();
    while ((await store.token(demo.url)) === given || (await store.token(demo.url)) === undefined)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await writeFile(tokenFile, "not-the-token-of-this-gateway");
    const from = watching.seen.length;
    await revoke();
    await watching.until(() =>
      watching.seen.slice(from).some((telemetry) => telemetry.gateway.state === "unauthorized"),
    );
    expect(watching.reader.latest()?.gateway.version).toBeUndefined();
    await writeFile(tokenFile, token);
    await watching.until(() => watching.reader.latest()?.gateway.state === "running");
  }, 60_000);
});

/** What the test itself asks of the gateway, with a device that never pairs. */
async function connectAsAdministrator(
  ask: (call: (method: string, parameters: object) => Promise<unknown>) => Promise<unknown>,
): Promise<string> {
  const proof = { kind: "shared", credential: new GatewayCredential("token", token) } as const;
  const connection = await openGateway({
    url: demo.url,
    handshake: {
      device: transientDevice("test"),
      client: "transient",
      scopes: ["operator.admin"],
      proof,
      agentVersion: "0.1.0",
      platform: "linux",
    },
  });
  try {
    return JSON.stringify(await ask((method, parameters) => connection.call(method, parameters)));
  } finally {
    connection.close();
  }
}

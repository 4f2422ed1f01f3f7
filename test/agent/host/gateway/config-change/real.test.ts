/**
 * Commands that change a real gateway as a whole: its configuration, its secret, its reach, its process. Every effect is
 * asked of the gateway itself over a connection of the test's own, or of the kernel; our receipt proves nothing.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDemoGateway, type DemoGateway } from "../../../../../agent/host/demo/demo.ts";
import { openGateway, type GatewayConnection } from "../../../../../agent/host/gateway/client.ts";
import type {
  GatewayControl,
  GatewayOperationName,
  Performed,
} from "../../../../../agent/host/gateway/control-interface.ts";
import { gatewayControl } from "../../../../../agent/host/gateway/control.ts";
import { GatewayCredential } from "../../../../../agent/host/gateway/credential.ts";
import { openDevice, transientDevice, type Device } from "../../../../../agent/host/gateway/device.ts";
import { discoverGateway, type GatewayTarget } from "../../../../../agent/host/gateway/discover.ts";
import { listenersOf } from "../../../../../agent/host/gateway/listening.ts";
import { placeOf } from "../../../../../agent/host/gateway/place.ts";
import { openSession } from "../../../../../agent/host/gateway/session.ts";
import { ConfigVersions } from "../../../../../agent/host/gateway/versions-file.ts";
import { field } from "../../../../../agent/host/gateway/wire.ts";
import { watch, type Watching } from "../fixtures/watching.ts";
import type { ConfigChange } from "../../../../../protocol/operations/configuration.ts";
import type { Expect } from "../../../../../protocol/messages.ts";

const cache =
  process.env["CLAWHOLD_TEST_CACHE"] ?? fileURLToPath(new URL("../../../../../.cache/openclaw", import.meta.url));
const SECRET = "sk-config-secret-4410";

let directory = "";
let keys = "";
let demo: DemoGateway;
let control: GatewayControl;
let hurried: GatewayControl;
const logged: string[] = [];
let intents = 0;

const target = (): Promise<GatewayTarget> =>
  discoverGateway({ explicitUrl: demo.url, tokenFile: demo.tokenFile, environment: {}, homeDirectory: directory });
const configPath = (): string => join(directory, "demo", "state", "openclaw.json");
const port = (): number => Number(new URL(demo.url).port);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "config-real-"));
  keys = join(directory, "keys");
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
  const store = await openDevice(keys, "warden");
  const reference = { kind: "demo", url: demo.url, tokenFile: demo.tokenFile } as const;
  const common = {
    target,
    store,
    agentVersion: "0.1.0",
    directory: keys,
    place: placeOf(reference, { environment: {}, homeDirectory: directory }),
    log: (code: string, detail: object) => logged.push(JSON.stringify({ code, detail })),
    now: () => Date.now(),
  };
  control = gatewayControl({ ...common, elapsed: () => performance.now() });
  // For the change that never comes up: patience runs out sooner; the former configuration still has a minute.
  hurried = gatewayControl({ ...common, elapsed: () => performance.now() * 3 });
}, 240_000);

afterAll(async () => {
  await demo.stop();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

interface Asked {
  readonly args?: Record<string, unknown>;
  readonly content?: unknown;
  readonly expected?: Expect;
  readonly by?: GatewayControl;
}

async function perform(operation: GatewayOperationName, { args = {}, content, expected, by = control }: Asked = {}) {
  intents += 1;
  const intent = String(intents).padEnd(43, "A");
  const facts = expected ?? (await control.observe(operation, args));
  return by.perform({ operation, args, content, intent, author: "p-ada", expect: facts });
}

function set(changes: ConfigChange["changes"], more: Omit<Asked, "args" | "content"> = {}): Promise<Performed> {
  return perform("config.set@1", {
    args: { changes: changes.length },
    content: { changes, note: "for a test" },
    ...more,
  });
}

/** The test's own connection, which never pairs. */
async function ask(method: string, parameters: object = {}, token = tokenNow()): Promise<unknown> {
  const connection = await connect(token);
  try {
    return await connection.call(method, parameters);
  } finally {
    connection.close();
  }
}

function tokenNow(): string {
  const written = field(field(field(onDisk(), "gateway"), "auth"), "token");
  return typeof written === "string" && !written.startsWith("${")
    ? written
    : readFileSync(demo.tokenFile, "utf8").trim();
}

function connect(token: string): Promise<GatewayConnection> {
  const proof = { kind: "shared", credential: new GatewayCredential("token", token) } as const;
  const device = transientDevice("test");
  const scopes = ["operator.admin", "operator.pairing"] as const;
  const handshake = { device, client: "transient", scopes, proof, agentVersion: "0.1.0", platform: "linux" } as const;
  return openGateway({ url: demo.url, handshake });
}

async function value(path: string): Promise<unknown> {
  const parsed = field(await ask("config.get"), "parsed");
  return path.split(".").reduce<unknown>((tree, name) => field(tree, name), parsed);
}

function onDisk(): unknown {
  return JSON.parse(readFileSync(configPath(), "utf8"));
}

async function pairStranger(): Promise<Device> {
  const store = await openDevice(join(directory, "stranger"), "reader");
  const connection = await openSession({
    url: demo.url,
    credential: new GatewayCredential("token", tokenNow()),
    store,
    scopes: ["operator.read"],
    agentVersion: "0.1.0",
    platform: "linux",
    mayShowSecret: () => Promise.resolve(true),
    log: () => undefined,
  });
  connection.close();
  return store.device;
}

/** In the gateway's own database. */
function pairedOnDisk(): readonly unknown[] {
  const database = new DatabaseSync(join(directory, "demo", "state", "state", "openclaw.sqlite"), { readOnly: true });
  try {
    return database
      .prepare("SELECT device_id FROM device_pairing_paired ORDER BY device_id")
      .all()
      .map((row) => row["device_id"]);
  } finally {
    database.close();
  }
}

/** What the edge is told. */
async function watchIt(): Promise<Watching> {
  const bench = { directory, store: await openDevice(keys, "reader"), logged: [], remove: () => Promise.resolve() };
  return watch(bench, target, { demo: true, random: Math.random, pollMilliseconds: 1_000 });
}

const versions = (): ConfigVersions => new ConfigVersions(keys);

describe("a configuration", () => {
  it("is changed by path, kept as a version, and undone with its secrets", async () => {
    const before = readFileSync(configPath(), "utf8");
    const done = await set([
      { path: "ui.seamColor", value: '"#123456"' },
      { path: "logging.redactPatterns", value: '["one","two"]' },
      {
        path: "models.providers.extra",
        value: JSON.stringify({
          baseUrl: "http://127.0.0.1:9/v1",
          apiKey: SECRET,
          api: "openai-completions",
          models: [],
        }),
      },
      { path: "tools.exec.mode", value: '"full"' },
    ]);
    expect(done).toMatchObject({ verdict: "executed", observed: { version: 2 } });
    expect(await value("ui.seamColor")).toBe("#123456");
    expect(done.observed.configAfter).toBe((await control.observe("config.set@1", {})).configHash);
    const shrunk = await set([
      { path: "logging.redactPatterns.0" },
      { path: "models.providers.demo.models.0.name", value: '"Renamed"' },
    ]);
    expect(shrunk).toMatchObject({ verdict: "executed", observed: { version: 3 } });
    expect(await value("logging.redactPatterns")).toEqual(["two"]);
    expect(JSON.stringify(onDisk())).toContain(SECRET);
    expect(JSON.stringify(onDisk())).toContain("Renamed");
    const undone = await perform("config.rollback@1", { args: { version: 2 } });
    expect(undone).toMatchObject({ verdict: "executed", observed: { version: 4 } });
    expect(await value("logging.redactPatterns")).toEqual(["one", "two"]);
    expect(JSON.stringify(onDisk())).toContain(SECRET);
    expect(await perform("config.rollback@1", { args: { version: 1 } })).toMatchObject({ verdict: "executed" });
    expect(await value("ui")).toBeUndefined();
    expect(JSON.stringify(onDisk())).not.toContain(SECRET);
    expect(field(onDisk(), "models")).toEqual(field(JSON.parse(before), "models"));
    expect(
      versions()
        .list()
        .map(({ version, author }) => [version, author]),
    ).toEqual([
      [5, "p-ada"],
      [4, "p-ada"],
      [3, "p-ada"],
      [2, "p-ada"],
      [1, "outside"],
    ]);
    for (const name of readdirSync(keys)) expect(statSync(join(keys, name)).mode & 0o077).toBe(0);
  }, 90_000);

  it("stays as it is when it changed since, when the schema refuses, and when the change cannot be made", async () => {
    const before = readFileSync(configPath(), "utf8");
    const color = { path: "ui.seamColor", value: '"#abcdef"' };
    expect(await set([color], { expected: { configHash: "x".repeat(43) } })).toMatchObject({
      verdict: "failed",
      observed: { reason: "changed" },
    });
    const reasons = [];
    for (const change of [
      { path: "gateway.bind", value: '"everywhere"' },
      { path: "nosuchkey", value: "1" },
      { path: "gateway.auth.token", value: '"${NOT_IN_THIS_ENVIRONMENT}"' },
      { path: "ui.seamColor", value: "null" },
      { path: "logging.file.deeper", value: "1" },
    ])
      reasons.push((await set([change])).observed.reason);
    expect(reasons).toEqual(["schema", "schema", "schema", "change_invalid", "change_invalid"]);
    expect((await perform("config.rollback@1", { args: { version: 40 } })).observed.reason).toBe("no_such_version");
    expect(readFileSync(configPath(), "utf8")).toBe(before);
  }, 60_000);

  it("is put back by itself when the gateway does not come up with it", async () => {
    const before = onDisk();
    const broken = { enabled: true, certPath: "/nonexistent", keyPath: "/nonexistent", autoGenerate: false };
    const done = await set([{ path: "gateway.tls", value: JSON.stringify(broken) }], { by: hurried });
    expect(done).toMatchObject({ verdict: "failed", observed: { reason: "rolled_back" } });
    expect(done.observed.configAfter).toBe(done.observed.configBefore);
    expect(await value("gateway.tls")).toBeUndefined();
    expect(field(onDisk(), "gateway")).toEqual(field(before, "gateway"));
    expect(statSync(configPath()).mode & 0o777).toBe(0o600);
  }, 200_000);
});

describe("a change during a restart", () => {
  it("is made and kept, or not made, as its receipt says", async () => {
    const color = { path: "ui.seamColor", value: '"#00ff00"' };
    // A rollback before this test named the same path, so what was there already says nothing.
    const before = versions().newest()?.version ?? 0;
    const [done, restarted] = await Promise.all([set([color]), control.restart()]);
    expect(restarted.after).not.toBe(restarted.before);
    expect(await value("ui.seamColor")).toBe(done.verdict === "executed" ? "#00ff00" : undefined);
    const kept = versions()
      .list()
      .filter(({ version, paths }) => version > before && paths.includes("ui.seamColor"));
    const isKept = done.verdict === "executed" && done.observed.reason !== "version_not_kept";
    expect({ done, kept: kept.map(({ author }) => author) }).toEqual({ done, kept: isKept ? ["p-ada"] : [] });
  }, 120_000);
});

describe("the shared secret", () => {
  it("is another one afterwards, and ours still work", async () => {
    expect(await set([{ path: "gateway.auth.token", value: '"former-secret-0123456789"' }])).toMatchObject({
      verdict: "executed",
    });
    const done = await perform("gateway-token.rotate@1");
    expect(done).toMatchObject({ verdict: "executed" });
    const now = tokenNow();
    expect(now).toMatch(/^[0-9A-Za-z_-]{43}$/);
    await expect(ask("health", {}, "former-secret-0123456789")).rejects.toMatchObject({ fault: "unauthorized" });
    expect(await ask("health")).toMatchObject({ ok: true });
    expect(await control.bootId()).toBeDefined();
    expect(JSON.stringify([done, ...logged])).not.toContain(now);
    // A version from before does not bring the former secret back.
    const former = versions().list()[1]?.version;
    expect(await perform("config.rollback@1", { args: { version: former } })).toMatchObject({ verdict: "executed" });
    expect(tokenNow()).toBe(now);
  }, 90_000);
});

describe("a lockdown", () => {
  it("does what was shown, only then, and is undone by a rollback", async () => {
    const loose = [
      { path: "gateway.terminal.enabled", value: "true" },
      { path: "tools.exec.mode", value: '"full"' },
      {
        path: "channels.telegram",
        value: '{"botToken":"1:abc","enabled":false,"dmPolicy":"open","allowFrom":["*","77"]}',
      },
    ];
    expect(await set(loose)).toMatchObject({ verdict: "executed" });
    expect(await perform("gateway.lockdown@1", { expected: { subject: "y".repeat(43) } })).toMatchObject({
      verdict: "failed",
      observed: { reason: "changed" },
    });
    const before = versions().newest()?.version;
    const done = await perform("gateway.lockdown@1");
    expect(done).toMatchObject({ verdict: "executed", observed: { changed: 7 } });
    expect(await value("gateway.terminal.enabled")).toBe(false);
    expect(await value("gateway.nodes.pairing")).toEqual({ autoApproveLocal: false, sshVerify: false });
    expect(await value("tools.exec.mode")).toBe("ask");
    expect(await value("channels.telegram")).toMatchObject({ dmPolicy: "pairing", allowFrom: ["77"] });
    const rules = { security: "allowlist", ask: "on-miss", askFallback: "deny" };
    expect(field(await ask("exec.approvals.get"), "resolvedDefaults")).toMatchObject(rules);
    expect(await control.bootId()).toBeDefined();
    expect(await perform("gateway.lockdown@1")).toMatchObject({ verdict: "executed", observed: { changed: 0 } });
    expect(await perform("config.rollback@1", { args: { version: before } })).toMatchObject({ verdict: "executed" });
    expect(await value("tools.exec.mode")).toBe("full");
    expect(await value("gateway.nodes")).toBeUndefined();
    expect(field(await ask("exec.approvals.get"), "resolvedDefaults")).toMatchObject({ security: "full", ask: "off" });
  }, 90_000);
});

describe("process and reach", () => {
  it("stops and stays down; started wide open it is seen, and taken back by one operation", async () => {
    expect(await perform("gateway.stop@1", { expected: { gatewayBoot: "another-boot-0000" } })).toMatchObject({
      observed: { reason: "changed" },
    });
    expect(await perform("gateway.stop@1")).toMatchObject({ verdict: "executed" });
    expect(await listenersOf(port())).toEqual([]);
    expect(await set([{ path: "ui" }])).toMatchObject({ observed: { reason: "gateway_unreachable" } });
    await wait(3_000); // a supervisor that did not know would have started it by now
    expect(await listenersOf(port())).toEqual([]);
    // Somebody changes the file by hand.
    const wide = structuredClone(onDisk()) as { gateway: { bind: string } };
    wide.gateway.bind = "lan";
    writeFileSync(configPath(), JSON.stringify(wide));
    expect(await perform("gateway.start@1")).toMatchObject({ verdict: "executed" });
    const watching = await watchIt();
    await watching.until(({ gateway }) => gateway.listens.some(({ loopback }) => !loopback));
    const done = await perform("gateway.bind-loopback@1");
    expect(done).toMatchObject({ verdict: "executed", observed: { changed: 1 } });
    expect((await listenersOf(port()))?.map(({ loopback }) => loopback)).toEqual([true, true]);
    await watching.until(
      ({ gateway }) => gateway.listens.length > 0 && gateway.listens.every(({ loopback }) => loopback),
    );
    await watching.reader.stop();
    expect(versions().list().slice(0, 2)).toMatchObject([
      { author: "p-ada", paths: ["gateway.bind"] },
      { author: "outside", paths: ["gateway.bind"] },
    ]);
    expect(await perform("gateway.bind-loopback@1")).toMatchObject({ verdict: "executed", observed: { changed: 0 } });
  }, 180_000);

  it("is killed with every pairing that is not ours", async () => {
    const stranger = await pairStranger();
    const own = (await openDevice(keys, "warden")).device.id;
    expect(pairedOnDisk()).toEqual([own, stranger.id].toSorted());
    expect(await perform("gateway.kill@1")).toEqual({ verdict: "executed", observed: { changed: 1 } });
    expect(await listenersOf(port())).toEqual([]);
    expect(pairedOnDisk()).toEqual([own]);
    expect(await perform("gateway.kill@1")).toMatchObject({
      verdict: "executed",
      observed: { changed: 0, reason: "pairings_unreached" },
    });
  }, 120_000);
});

/**
 * Every control of jobs, agents, sessions, devices, senders, channels and plugins against a real gateway, proven by what
 * the gateway then says or does to somebody else: never by our own receipt.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { access, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDemoGateway } from "../../../../../agent/host/demo/demo.ts";
import type { DemoGateway } from "../../../../../agent/host/demo/demo.ts";
import { agentVersions } from "../../../../../agent/host/gateway/agent-versions.ts";
import { openGateway } from "../../../../../agent/host/gateway/client.ts";
import type { GatewayConnection } from "../../../../../agent/host/gateway/client.ts";
import { gatewayControl } from "../../../../../agent/host/gateway/control.ts";
import type {
  GatewayControl,
  GatewayOperationName,
  Performed,
} from "../../../../../agent/host/gateway/control-interface.ts";
import { GatewayCredential } from "../../../../../agent/host/gateway/credential.ts";
import { openDevice, transientDevice } from "../../../../../agent/host/gateway/device.ts";
import { discoverGateway } from "../../../../../agent/host/gateway/discover.ts";
import type { ClientKind } from "../../../../../agent/host/gateway/handshake.ts";
import { formerJobs } from "../../../../../agent/host/gateway/operations/former-jobs.ts";
import { channelName, senderName } from "../../../../../agent/host/gateway/subjects.ts";
import { openTags, type Tags } from "../../../../../agent/host/gateway/tags.ts";
import { field } from "../../../../../agent/host/gateway/wire.ts";
import { operations, type Operation } from "../../../../../protocol/operations.ts";
import { startTelegram, type Telegram } from "../fixtures/telegram.ts";

const cache =
  process.env["CLAWHOLD_TEST_CACHE"] ?? fileURLToPath(new URL("../../../../../.cache/openclaw", import.meta.url));

let directory = "";
let kept = "";
let demo: DemoGateway;
let token = "";
let telegram: Telegram;
let slow: Server;
/** Turns that the slow model has been asked for and not answered. */
let slowTurns = 0;
let control: GatewayControl;
let tags: Tags;
/** The test's own view of the gateway, with a device that never pairs. */
let own: GatewayConnection;
/** What was opened, closed in the other order whatever went wrong. */
const opened: (() => unknown)[] = [];

async function connect(kind: ClientKind, name: string): Promise<GatewayConnection> {
  return openGateway({
    url: demo.url,
    handshake: {
      device: transientDevice(name),
      client: kind,
      scopes: kind === "paired" ? ["operator.read"] : ["operator.admin"],
      proof: { kind: "shared", credential: new GatewayCredential("token", token) },
      agentVersion: "0.1.0",
      platform: "linux",
    },
    requestMilliseconds: 60_000,
  });
}

const ask = (method: string, parameters: object = {}): Promise<unknown> => own.call(method, parameters);

async function list(method: string, key: string, parameters: object = {}): Promise<readonly unknown[]> {
  const found = field(await ask(method, parameters), key);
  return Array.isArray(found) ? found : [];
}

async function patch(change: object): Promise<void> {
  const baseHash = field(await ask("config.get"), "hash");
  await ask("config.patch", { raw: JSON.stringify(change), baseHash });
}

async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface Asked {
  readonly args?: Readonly<Record<string, unknown>>;
  readonly content?: unknown;
  readonly subject?: string;
}

/** As the warden would: with the subject that a person was shown, where the operation pins one. */
async function perform(operation: GatewayOperationName, asked: Asked = {}): Promise<Performed> {
  const { args = {}, content } = asked;
  const { expects } = operations[operation] as Operation;
  const shown = asked.subject ?? (await control.observe(operation, args)).subject;
  return control.perform({
    operation,
    args,
    content,
    intent: randomBytes(32).toString("base64url"),
    author: "person-1",
    expect: expects.includes("subject") && shown !== undefined ? { subject: shown } : {},
  });
}

const telegramTag = (): string => tags.tag("channel", channelName("telegram", "default"));
const done = (observed: object = { changed: 1 }): object => ({ verdict: "executed", observed });
const refused = (reason: string): object => ({ verdict: "failed", observed: { reason } });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "real-operations-"));
  opened.push(() => rm(directory, { recursive: true, force: true }));
  kept = join(directory, "kept");
  slow = createServer(() => {
    slowTurns += 1;
  });
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  slow.on("connection", (socket) => socket.on("close", () => (slowTurns = Math.max(0, slowTurns - 1))));
  opened.push(() => {
    slow.closeAllConnections();
    slow.close();
  });
  telegram = await startTelegram();
  opened.push(() => telegram.close());
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
  opened.push(() => demo.stop());
  token = (await readFile(demo.tokenFile, "utf8")).trim();
  own = await connect("transient", "test");
  opened.push(() => own.close());
  control = gatewayControl({
    target: () =>
      discoverGateway({ explicitUrl: demo.url, tokenFile: demo.tokenFile, environment: {}, homeDirectory: directory }),
    store: await openDevice(kept, "warden"),
    agentVersion: "0.1.0",
    log: () => undefined,
    elapsed: () => performance.now(),
    now: () => Date.now(),
    directory: kept,
  });
  tags = openTags(kept);
}, 240_000);

afterAll(async () => {
  for (const close of opened.toReversed()) await close();
}, 30_000);

describe("scheduled jobs", () => {
  const job = async (id: unknown): Promise<unknown> =>
    (await list("cron.list", "jobs", { includeDisabled: true })).find((row) => field(row, "id") === id);
  const byName = async (name: string): Promise<unknown> =>
    (await list("cron.list", "jobs", { includeDisabled: true })).find((row) => field(row, "name") === name);

  it("are added, changed, disabled, enabled, run and removed; what was is kept", async () => {
    const ran = join(directory, "ran");
    const draft = {
      name: "nightly",
      schedule: { kind: "cron", expression: "0 3 * * *", zone: "Europe/Berlin" },
      work: { kind: "message", message: "Look after the house." },
      enabled: true,
    };
    const made = await perform("cron.add@1", { args: { work: "message" }, content: draft });
    const id = String(field(await byName("nightly"), "id"));
    const args = { subject: tags.tag("job", id) };
    expect(made).toEqual(done({ made: args.subject, changed: 1 }));
    expect(await job(id)).toMatchObject({
      enabled: true,
      schedule: { kind: "cron", expr: "0 3 * * *", tz: "Europe/Berlin" },
      payload: { kind: "agentTurn", message: "Look after the house." },
      delivery: { mode: "none" },
    });

    expect(await perform("cron.disable@1", { args })).toEqual(done());
    expect(await job(id)).toMatchObject({ enabled: false });
    expect(await perform("cron.disable@1", { args })).toEqual(done({ changed: 0 }));
    expect(await perform("cron.enable@1", { args })).toEqual(done());
    expect(await job(id)).toMatchObject({ enabled: true });

    const program = { ...draft, name: "program", work: { kind: "command", argv: ["touch", ran] } };
    expect(await perform("cron.edit@1", { args: { ...args, work: "message" }, content: program })).toEqual(
      refused("work_differs"),
    );
    expect(await perform("cron.edit@1", { args: { ...args, work: "command" }, content: program })).toEqual(done());
    expect(await job(id)).toMatchObject({ name: "program", payload: { kind: "command", argv: ["touch", ran] } });
    expect(formerJobs(kept)).toMatchObject([{ tag: args.subject, author: "person-1", draft }]);

    await expect(access(ran)).rejects.toThrow("ENOENT");
    expect(await perform("cron.run@1", { args })).toEqual(done());
    await until(() => stat(ran).catch(() => undefined));

    // Back to what it was, from what was kept; then away, and back again as another job.
    const former = formerJobs(kept)[0]?.draft;
    expect(await perform("cron.edit@1", { args: { ...args, work: "message" }, content: former })).toEqual(done());
    expect(await job(id)).toMatchObject({ name: "nightly", payload: { kind: "agentTurn" } });
    expect(await perform("cron.remove@1", { args })).toEqual(done());
    expect(await job(id)).toBeUndefined();
    const last = formerJobs(kept)[0];
    expect(last).toMatchObject({ operation: "cron.remove@1", draft });
    expect(await perform("cron.add@1", { args: { work: "message" }, content: last?.draft })).toMatchObject(done({}));
    expect(await byName("nightly")).toMatchObject({ enabled: true });
    expect(await perform("cron.remove@1", { args })).toEqual(refused("gone"));
  });

  it("are left alone when they changed between display and decision", async () => {
    const id = String(field(await byName("nightly"), "id"));
    const args = { subject: tags.tag("job", id) };
    const { subject } = await control.observe("cron.run@1", args);
    const ran = join(directory, "ran-changed");
    await ask("cron.update", { id, patch: { payload: { kind: "command", argv: ["touch", ran] } } });
    for (const operation of ["cron.run@1", "cron.enable@1", "cron.remove@1"] as const)
      expect(await perform(operation, { args, subject: subject ?? "" })).toEqual(refused("changed"));
    expect(await job(id)).toMatchObject({ state: {} });
    expect(field(field(await job(id), "state"), "lastRunAtMs")).toBeUndefined();
    await expect(access(ran)).rejects.toThrow("ENOENT");
  });
});

describe("agents", () => {
  const content = async (agentId: string, name: string): Promise<unknown> =>
    field(field(await ask("agents.files.get", { agentId, name }), "file"), "content");
  const agent = async (id: string): Promise<unknown> =>
    (await list("agents.list", "agents")).find((row) => field(row, "id") === id);

  it("are made, edited into versions, deployed, rolled back and deleted", async () => {
    const files = [{ name: "AGENTS.md", content: "First.\n" }];
    const made = await perform("agent.create@1", { content: { name: "scribe", files } });
    const args = { subject: tags.tag("agent", "scribe") };
    expect(made).toEqual(done({ made: args.subject, version: 1, changed: 1 }));
    expect(await content("scribe", "AGENTS.md")).toBe("First.\n");
    expect(await perform("agent.create@1", { content: { name: "scribe", files } })).toEqual(refused("exists"));
    expect(await perform("agent.edit@1", { args, content: { files: [{ name: "evil.sh", content: "x" }] } })).toEqual(
      refused("file_unknown"),
    );

    const second = { model: "demo/other", files: [{ name: "AGENTS.md", content: "Second.\n" }] };
    const edited = await perform("agent.edit@1", { args, content: second });
    const version = Number(edited.observed.version);
    expect(edited).toEqual(done({ version }));
    // Nothing is in use before it is deployed.
    expect(await content("scribe", "AGENTS.md")).toBe("First.\n");
    expect(agentVersions(kept, args.subject)[0]).toMatchObject({ number: version, author: "person-1", edit: second });

    expect(await perform("agent.deploy@1", { args: { ...args, version } })).toEqual(done({ version, changed: 1 }));
    expect(await content("scribe", "AGENTS.md")).toBe("Second.\n");
    expect(await agent("scribe")).toMatchObject({ model: { primary: "demo/other" } });
    expect(await perform("agent.deploy@1", { args: { ...args, version: 1 } })).toEqual(
      done({ version: 1, changed: 1 }),
    );
    expect(await content("scribe", "AGENTS.md")).toBe("First.\n");
    expect(await perform("agent.deploy@1", { args: { ...args, version: 99 } })).toEqual(refused("version_gone"));

    const { subject } = await control.observe("agent.delete@1", args);
    await ask("agents.files.set", { agentId: "scribe", name: "SOUL.md", content: "Somebody was here." });
    expect(await perform("agent.delete@1", { args, subject: subject ?? "" })).toEqual(refused("changed"));
    expect(await perform("agent.delete@1", { args })).toEqual(done());
    expect(await agent("scribe")).toBeUndefined();
    // What it said last is among its versions.
    expect(JSON.stringify(agentVersions(kept, args.subject)[0]?.edit)).toContain("Somebody was here.");
  });
});

describe("sessions", () => {
  const session = async (key: string): Promise<unknown> =>
    (await list("sessions.list", "sessions", { limit: 50 })).find((row) => field(row, "key") === key);

  it("are compacted and reset", async () => {
    const key = "agent:main:talk";
    await own.call("agent", { message: "Hello", sessionKey: key, idempotencyKey: randomUUID() }, { final: true });
    const args = { subject: tags.tag("session", key) };
    expect(await perform("session.compact@1", { args })).toEqual(done());
    expect(JSON.stringify(await ask("sessions.get", { key, limit: 20 }))).toContain("compaction");
    expect(await perform("session.reset@1", { args })).toEqual(done());
    expect(await session(key)).toMatchObject({ inputTokens: 0, outputTokens: 0 });
    expect(JSON.stringify(await ask("sessions.get", { key, limit: 20 }))).not.toContain("Hello");
  });

  it("end what they are doing when told so", async () => {
    const { port } = slow.address() as AddressInfo;
    const model = {
      id: "slow-1",
      name: "Slow",
      reasoning: false,
      input: ["text"],
      contextWindow: 128_000,
      maxTokens: 4_096,
    };
    const provider = {
      baseUrl: `http://127.0.0.1:${String(port)}/v1`,
      apiKey: "none",
      api: "openai-completions",
      models: [model],
    };
    await patch({ models: { providers: { slow: provider } } });
    const key = "agent:main:endless";
    await ask("sessions.create", { key, agentId: "main", model: "slow/slow-1" });
    const run = own.call("agent", { message: "Hello", sessionKey: key, idempotencyKey: randomUUID() }, { final: true });
    run.catch(() => undefined);
    await until(async () => slowTurns > 0 && field(await session(key), "hasActiveRun") === true);
    const args = { subject: tags.tag("session", key) };
    expect(await perform("session.abort@1", { args })).toEqual(done());
    await until(() => slowTurns === 0);
    expect(await session(key)).toMatchObject({ hasActiveRun: false });
    expect(await perform("session.abort@1", { args })).toEqual(done({ changed: 0 }));
  });
});

describe("devices", () => {
  const paired = async (id: string): Promise<unknown> =>
    (await list("device.pair.list", "paired")).find((row) => field(row, "deviceId") === id);

  it("are revoked at once, rotated, approved and denied; never our own", async () => {
    const phone = await connect("paired", "phone");
    const [row] = (await list("device.pair.list", "paired")).filter((device) =>
      String(field(device, "displayName")).startsWith("clawhold phone"),
    );
    const id = String(field(row, "deviceId"));
    const args = { subject: tags.tag("device", id) };
    expect(await perform("device.rotate@1", { args })).toEqual(done());
    expect(field((field(await paired(id), "tokens") as unknown[])[0], "rotatedAtMs")).toBeTypeOf("number");
    expect(await perform("device.revoke@1", { args })).toEqual(done());
    await phone.ended;
    expect(await paired(id)).toBeUndefined();
    expect(await perform("device.revoke@1", { args })).toEqual(done({ changed: 0 }));

    const warden = (await openDevice(kept, "warden")).device.id;
    expect(await paired(warden)).toBeDefined();
    expect(await perform("device.revoke@1", { args: { subject: tags.tag("device", warden) } })).toEqual(
      refused("own_device"),
    );
    expect(await paired(warden)).toBeDefined();
  });

  it("that ask are approved as they were shown, or turned away", async () => {
    await patch({ gateway: { nodes: { pairing: { autoApproveLocal: false } } } });
    const waiting = async (name: string): Promise<{ readonly id: string; readonly device: string }> => {
      await until(async () => {
        const connection = await connect("paired", name).catch(() => undefined);
        if (connection === undefined) return true;
        connection.close();
        return false;
      });
      const rows = await list("device.pair.list", "pending");
      const row = rows.find((one) => String(field(one, "displayName")).startsWith(`clawhold ${name}`));
      return { id: String(field(row, "requestId")), device: String(field(row, "deviceId")) };
    };
    const tablet = await waiting("tablet");
    const args = { subject: tags.tag("device-request", tablet.id), kind: "device" };
    expect(await perform("pairing.approve@1", { args, subject: "something else" })).toEqual(refused("changed"));
    expect(await paired(tablet.device)).toBeUndefined();
    expect(await perform("pairing.approve@1", { args })).toEqual(
      done({ made: tags.tag("device", tablet.device), changed: 1 }),
    );
    expect(await paired(tablet.device)).toMatchObject({ scopes: ["operator.read"] });
    const stranger = await waiting("stranger");
    const denied = { subject: tags.tag("device-request", stranger.id), kind: "device" };
    expect(await perform("pairing.deny@1", { args: denied })).toEqual(done());
    expect(await list("device.pair.list", "pending")).toEqual([]);
    expect(await paired(stranger.device)).toBeUndefined();
    expect(await perform("pairing.deny@1", { args: denied })).toEqual(done({ changed: 0 }));
  });
});

describe("a channel", () => {
  const ANN = 777_001;
  const BEN = 777_002;
  const EVE = 777_003;
  const args = (): { readonly subject: string } => ({
    subject: tags.tag("channel", channelName("telegram", "default")),
  });
  const settings = async (): Promise<unknown> =>
    field(field(field(await ask("config.get"), "parsed"), "channels"), "telegram");
  const asking = async (): Promise<readonly unknown[]> => list("channels.pairing.list", "requests");

  it("lets people in, turns them away, and is tightened and loosened", async () => {
    await patch({
      channels: {
        telegram: { enabled: true, botToken: `123456:${"A".repeat(35)}`, apiRoot: telegram.url, dmPolicy: "pairing" },
      },
    });
    telegram.write(ANN, "Let me in");
    telegram.write(BEN, "Me too");
    await until(async () => (await asking()).length === 2);
    const request = async (sender: number): Promise<{ readonly subject: string; readonly kind: string }> => {
      const row = (await asking()).find((one) => field(one, "senderId") === String(sender));
      return { subject: tags.tag("sender-request", String(field(row, "requestId"))), kind: "sender" };
    };
    const ann = await request(ANN);
    expect(await perform("pairing.approve@1", { args: ann, subject: "something else" })).toEqual(refused("changed"));
    expect(await perform("pairing.approve@1", { args: ann })).toEqual(done());
    expect(await perform("pairing.deny@1", { args: await request(BEN) })).toEqual(done());
    expect(await asking()).toEqual([]);
    // Ann is answered by the agent now.
    const before = telegram.answered.length;
    telegram.write(ANN, "Hello");
    await until(() => telegram.answered.slice(before).includes(ANN));

    expect(await perform("channel.tighten@1", { args: { ...args(), policy: "allowlist" } })).toEqual(
      refused("list_empty"),
    );
    expect(await perform("channel.allow@1", { args: args(), content: { sender: "*" } })).toEqual(refused("everybody"));
    expect(await perform("channel.allow@1", { args: args(), content: { sender: String(BEN) } })).toMatchObject(done());
    expect(await settings()).toMatchObject({ dmPolicy: "pairing", allowFrom: [String(BEN)] });
    const { subject } = await control.observe("channel.loosen@1", args());
    expect(await perform("channel.tighten@1", { args: { ...args(), policy: "allowlist" } })).toMatchObject(done());
    expect(await settings()).toMatchObject({ dmPolicy: "allowlist" });
    expect(await perform("channel.tighten@1", { args: { ...args(), policy: "pairing" } })).toEqual(
      refused("not_tighter"),
    );
    telegram.write(EVE, "Let me in");
    telegram.write(BEN, "Hello");
    await until(() => telegram.answered.includes(BEN, telegram.answered.indexOf(BEN) + 1));
    expect(telegram.answered).not.toContain(EVE);
    expect(await asking()).toEqual([]);

    expect(await perform("channel.loosen@1", { args: { ...args(), policy: "allowlist" } })).toEqual(
      refused("not_looser"),
    );
    expect(await perform("channel.loosen@1", { args: { ...args(), policy: "open" }, subject: subject ?? "" })).toEqual(
      refused("changed"),
    );
    expect(await perform("channel.loosen@1", { args: { ...args(), policy: "open" } })).toMatchObject(done({}));
    expect(await settings()).toMatchObject({ dmPolicy: "open", allowFrom: [String(BEN), "*"] });
    const everybody = tags.tag("sender", senderName("telegram", "default", "*"));
    expect(await perform("channel.disallow@1", { args: { ...args(), sender: everybody } })).toMatchObject(done({}));
    expect(await settings()).toMatchObject({ dmPolicy: "allowlist", allowFrom: [String(BEN)] });
    expect(await perform("channel.disallow@1", { args: { ...args(), sender: everybody } })).toMatchObject(
      done({ changed: 0 }),
    );
  });
});

describe("plugins and skills", () => {
  it("are switched on and off", async () => {
    const skill = { subject: tags.tag("skill", "weather"), kind: "skill" };
    const shown = async (): Promise<unknown> =>
      (await list("skills.status", "skills")).find((row) => field(row, "skillKey") === "weather");
    expect(await perform("plugin.disable@1", { args: skill })).toEqual(done());
    expect(await shown()).toMatchObject({ disabled: true });
    expect(await perform("plugin.disable@1", { args: skill })).toEqual(done({ changed: 0 }));
    expect(await perform("plugin.enable@1", { args: skill })).toEqual(done());
    expect(await shown()).toMatchObject({ disabled: false });

    const plugin = { subject: tags.tag("plugin", "workboard"), kind: "plugin" };
    const there = async (): Promise<unknown> =>
      (await list("plugins.list", "plugins")).find((row) => field(row, "id") === "workboard");
    expect(await perform("plugin.enable@1", { args: plugin })).toEqual(done());
    expect(await there()).toMatchObject({ enabled: true, state: "enabled" });
    expect(await perform("plugin.disable@1", { args: plugin })).toEqual(done());
    expect(await there()).toMatchObject({ enabled: false });
  });
});

describe("a restart under our hands", () => {
  it("leaves each operation with an ending that is true", async () => {
    const job = field(
      await ask("cron.add", {
        name: "steady",
        enabled: true,
        schedule: { kind: "every", everyMs: 3_600_000 },
        sessionTarget: "isolated",
        wakeMode: "now",
        payload: { kind: "agentTurn", message: "x" },
        delivery: { mode: "none" },
      }),
      "id",
    );
    const jobOf = async (): Promise<unknown> =>
      (await list("cron.list", "jobs", { includeDisabled: true })).find((row) => field(row, "id") === job);
    const content = { name: "late", files: [{ name: "AGENTS.md", content: "Late.\n" }] };
    const skill = { subject: tags.tag("skill", "weather"), kind: "skill" };
    const session = "agent:main:talk";
    const under = Promise.all([
      perform("cron.disable@1", { args: { subject: tags.tag("job", String(job)) } }),
      perform("agent.create@1", { content }),
      perform("plugin.disable@1", { args: skill }),
      perform("session.reset@1", { args: { subject: tags.tag("session", session) } }),
      perform("channel.tighten@1", { args: { subject: telegramTag(), policy: "disabled" } }),
    ]);
    // The first requests are on their way when the gateway goes down.
    await until(async () => field(await jobOf(), "enabled") === false);
    await ask("gateway.restart.request", { reason: "test" }).catch(() => undefined);
    const endings = await under;
    await own.ended;
    own = await until(() => connect("transient", "test").catch(() => undefined));
    await until(() => list("sessions.list", "sessions").catch(() => undefined));
    const skills = await list("skills.status", "skills");
    const channel = field(field(field(await ask("config.get"), "parsed"), "channels"), "telegram");
    const isSo = [
      field(await jobOf(), "enabled") === false,
      (await list("agents.list", "agents")).some((row) => field(row, "id") === "late"),
      field(
        skills.find((row) => field(row, "skillKey") === "weather"),
        "disabled",
      ) === true,
      undefined,
      field(channel, "dmPolicy") === "disabled",
    ];
    endings.forEach(({ verdict, observed }, place) => {
      if (verdict === "failed")
        expect(observed.reason).toMatch(/^(gateway_|not_|outcome_|half_done|gone|changed|config_pending)/);
      if (observed.reason === "outcome_unknown" || observed.reason === "half_done") return;
      if (isSo[place] !== undefined) expect([place, isSo[place]]).toEqual([place, verdict === "executed"]);
    });
  });
});

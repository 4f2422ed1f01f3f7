/**
 * What a host reads from a real gateway, held against what the gateway's own command line prints. Secrets are planted where
 * a gateway keeps them, under names that do not speak of secrets, and in no reading does one come out.
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GatewayReadName } from "../../../../../agent/host/gateway/control-interface.ts";
import { reads, type ReadResult } from "../../../../../protocol/reads.ts";
import { openGateway, type GatewayConnection } from "../../../../../agent/host/gateway/client.ts";
import { GatewayCredential } from "../../../../../agent/host/gateway/credential.ts";
import { openDevice, transientDevice } from "../../../../../agent/host/gateway/device.ts";
import { gatewayReadings } from "../../../../../agent/host/gateway/readings/table.ts";
import { openTags, type Tags } from "../../../../../agent/host/gateway/tags.ts";
import { field } from "../../../../../agent/host/gateway/wire.ts";
import { startTelegram, type Telegram } from "../fixtures/telegram.ts";
import { startToolGateway, type ToolGateway } from "../fixtures/tool-gateway.ts";

/** No shape and no name gives these away. */
const planted = {
  variable: "plum-harbour-variable",
  skill: "plum-harbour-skill",
  argument: "plum-harbour-argument",
};
const MESSAGE = "Remember the plum harbour message";
const SAID = `MY_TOKEN=abcdef-${planted.variable} and ${planted.argument}`;

let gateway: ToolGateway;
let telegram: Telegram;
let kept = "";
let tags: Tags;
let own: GatewayConnection;
let read: <N extends GatewayReadName>(name: N, args?: object) => Promise<ReadResult<N>>;
const everything: string[] = [];

beforeAll(async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "real-readings-"));
  kept = path.join(directory, "kept");
  telegram = await startTelegram();
  const botToken = `123456:${"A".repeat(35)}`;
  gateway = await startToolGateway({
    directory,
    configuration: {
      channels: {
        telegram: { enabled: true, botToken, apiRoot: telegram.url, dmPolicy: "allowlist", allowFrom: ["101", "102"] },
      },
      env: { vars: { PLACE: planted.variable } },
      skills: { entries: { weather: { env: { PLACE: planted.skill } } } },
      mcp: { servers: { files: { command: "true", args: ["--at", planted.argument], enabled: false } } },
    },
  });
  const readings = gatewayReadings({
    target: gateway.target,
    store: await openDevice(kept, "reader"),
    agentVersion: "0.1.0",
    log: () => undefined,
    now: () => Date.now(),
    elapsed: () => performance.now(),
    directory: kept,
  });
  tags = openTags(kept);
  read = async (name, args = {}) => {
    const result = await readings.read(name, { ...args });
    everything.push(`${name} ${JSON.stringify(result)}`);
    return v.parse(reads[name].result as v.GenericSchema<ReadResult<typeof name>>, result);
  };
  await gateway.turn(MESSAGE, "first");
  await gateway.turn(SAID, "second");
  own = await gateway.connect("operator.admin");
  await own.call("cron.add", {
    name: "Nightly",
    schedule: { kind: "cron", expr: "5 4 * * *", tz: "Europe/Berlin" },
    sessionTarget: "isolated",
    wakeMode: "now",
    payload: { kind: "command", argv: ["false"] },
    delivery: { mode: "none" },
  });
}, 240_000);

afterAll(async () => {
  own.close();
  await gateway.stop();
  await telegram.close();
}, 30_000);

async function cli(...words: readonly string[]): Promise<unknown> {
  return JSON.parse(await gateway.cli(...words, "--json"));
}

function rows(value: unknown, key: string): readonly unknown[] {
  const list = field(value, key);
  if (!Array.isArray(list)) throw new Error(`no ${key}`);
  return list;
}

const pick = (list: readonly unknown[], ...keys: readonly string[]): unknown[][] =>
  list.map((row) => keys.map((key) => field(row, key))).toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));

describe("each reading says what the gateway's own command line prints", () => {
  it("sessions", async () => {
    const printed = rows(await cli("sessions"), "sessions");
    const { sessions } = await read("gateway.sessions@1");
    expect(pick(sessions, "key", "status", "inputTokens", "outputTokens", "totalTokens")).toEqual(
      pick(printed, "key", "status", "inputTokens", "outputTokens", "totalTokens"),
    );
    expect(sessions.map(({ tag, key }) => tag === tags.tag("session", key))).toEqual([true, true]);
  });

  it("jobs, and how they ran", async () => {
    const nightly = (list: readonly unknown[]): unknown => list.find((row) => field(row, "name") === "Nightly");
    const id = field(nightly(rows(await own.call("cron.list", { includeDisabled: true }), "jobs")), "id");
    await own.call("cron.run", { id, mode: "force" });
    await expect
      .poll(async () => rows(await own.call("cron.runs", { scope: "job", id }), "entries").length, { timeout: 30_000 })
      .toBe(1);
    const printed = rows(await cli("cron", "list", "--all"), "jobs");
    const { jobs, running } = await read("gateway.jobs@1");
    expect(running).toBe(true);
    expect(pick(jobs, "name", "enabled")).toEqual(pick(printed, "name", "enabled"));
    const state = field(nightly(printed), "state");
    const job = jobs.find(({ name }) => name === "Nightly");
    expect(job).toMatchObject({
      schedule: { kind: "cron", expression: "5 4 * * *", zone: "Europe/Berlin" },
      work: "command",
      lastStatus: field(state, "lastRunStatus"),
      lastMilliseconds: field(state, "lastDurationMs"),
      failuresInARow: 1,
      nextAt: Math.floor(Number(field(state, "nextRunAtMs")) / 1_000),
    });
    const { runs } = await read("gateway.job-runs@1", { job: job?.tag });
    expect(runs).toMatchObject([{ status: "error", at: Math.floor(Number(field(state, "lastRunAtMs")) / 1_000) }]);
    const shown = await read("content.job@1", { job: job?.tag });
    expect(shown).toMatchObject({ subject: job?.subject, job: { work: { kind: "command", argv: ["false"] } } });
  }, 90_000);

  it("devices", async () => {
    const printed = rows(await cli("devices", "list"), "paired");
    const { devices, waiting } = await read("gateway.devices@1");
    expect(waiting).toEqual([]);
    expect(devices.map(({ tag }) => tag).toSorted()).toEqual(
      printed.map((row) => tags.tag("device", String(field(row, "deviceId")))).toSorted(),
    );
    const ours = devices.filter(({ isOurs }) => isOurs);
    expect(ours).toMatchObject([{ scopes: ["operator.read"], client: "cli", approvedVia: "silent" }]);
  });

  it("devices, of which ours outlive the gateway's own tidying and a new token", async () => {
    const ours = async () => (await read("gateway.devices@1")).devices.filter(({ isOurs }) => isOurs);
    await read("gateway.jobs@1");
    const [before] = await ours();
    // The gateway drops older silent pairings that call themselves like a newer one.
    const newcomer = await openGateway({
      url: gateway.url,
      handshake: {
        device: transientDevice("newcomer"),
        client: "paired",
        scopes: ["operator.read"],
        proof: { kind: "shared", credential: new GatewayCredential("token", gateway.token) },
        agentVersion: "0.1.0",
        platform: "linux",
      },
    });
    newcomer.close();
    await read("gateway.jobs@1");
    expect(await ours()).toMatchObject([{ tag: before?.tag, createdAt: before?.createdAt }]);
    const { device } = await openDevice(kept, "reader");
    await own.call("device.token.rotate", { deviceId: device.id, role: "operator" });
    expect((await read("gateway.jobs@1")).jobs.length).toBeGreaterThan(0);
    expect(await ours()).toMatchObject([{ tag: before?.tag, scopes: ["operator.read"] }]);
  }, 60_000);

  it("channels", async () => {
    await expect
      .poll(async () => (await read("gateway.channels@1")).channels[0]?.running, { timeout: 60_000 })
      .toBe(true);
    const [account] = rows(field(await cli("channels", "status"), "channelAccounts"), "telegram");
    const { channels } = await read("gateway.channels@1");
    expect(channels).toMatchObject([
      {
        name: "telegram",
        account: field(account, "accountId"),
        configured: field(account, "configured"),
        running: field(account, "running"),
        direct: "allowlist",
        waiting: [],
      },
    ]);
    expect(channels[0]?.allowed.map(({ sender }) => sender)).toEqual(["101", "102"]);
  }, 90_000);

  it("plugins, skills and MCP servers", async () => {
    const printed = rows(await cli("plugins", "list"), "plugins");
    const { extensions } = await read("gateway.extensions@1");
    const plugins = extensions.filter(({ kind }) => kind === "plugin");
    const enabled = new Map(printed.map((row) => [field(row, "id"), field(row, "enabled")]));
    expect(plugins.length).toBeGreaterThan(20);
    for (const { name, enabled: isOn } of plugins) expect([name, isOn]).toEqual([name, enabled.get(name)]);
    expect(extensions.find(({ kind }) => kind === "mcp")).toMatchObject({ name: "files", enabled: false });
    expect(extensions.some(({ kind, name }) => kind === "skill" && name === "weather")).toBe(true);
  });

  it("agents and what they are told", async () => {
    const printed = (await cli("agents", "list")) as readonly unknown[];
    const { agents } = await read("gateway.agents@1");
    expect(agents.map(({ name }) => name)).toEqual(printed.map((row) => field(row, "id")));
    const { agent, subject } = await read("content.agent@1", { agent: agents[0]?.tag });
    expect(subject).toBe(agents[0]?.subject);
    for (const { name, content } of agent.files) {
      const file = field(await own.call("agents.files.get", { agentId: "main", name }), "file");
      expect(content).toBe(field(file, "content"));
    }
    expect(agent.files.map(({ name }) => name)).toEqual(agents[0]?.files.map(({ name }) => name));
  });

  it("usage", async () => {
    await expect
      .poll(async () => (await read("gateway.usage@1", { days: 1 })).freshness, { timeout: 60_000 })
      .toBe("fresh");
    const { models, agents } = await read("gateway.usage@1", { days: 7 });
    const { totals } = (await own.call("usage.cost", { days: 7, agentScope: "all" })) as { totals: object };
    const cost = Math.round(Number(field(totals, "totalCost")) * 1_000_000);
    expect(models).toMatchObject([
      {
        name: "test/test-1",
        totalTokens: field(totals, "totalTokens"),
        costMicros: cost,
        tag: tags.tag("model", "test/test-1"),
      },
    ]);
    expect(agents).toMatchObject([{ name: "main", costMicros: cost }]);
  }, 90_000);

  it("the configuration, its values and what it may hold", async () => {
    const { valid, isApplied, hash } = await read("gateway.config@1");
    expect([valid, isApplied]).toEqual([true, true]);
    const values = await read("content.config@1");
    expect(values.hash).toBe(hash);
    const shown = new Map(values.values.map((one) => [one.path, one]));
    expect(shown.get("gateway.bind")?.value).toBe(JSON.stringify(await cli("config", "get", "gateway.bind")));
    const hidden = [
      "gateway.auth.token",
      "env.vars.PLACE",
      "skills.entries.weather.env.PLACE",
      "mcp.servers.files.args.1",
    ];
    for (const one of [...hidden, "channels.telegram.botToken", "models.providers.test.apiKey"])
      expect(shown.get(one)).toMatchObject({ isSecret: true, value: "" });
    const place = await read("content.config-schema@1", { path: "gateway.auth.mode" });
    expect(place).toMatchObject({ choices: ["none", "token", "password", "trusted-proxy"], reload: "restart" });
    const root = await read("content.config-schema@1");
    expect(root.children.map(({ name }) => name)).toContain("channels");
  });

  it("the log, from where it was left", async () => {
    const first = await read("content.logs@1");
    expect(first.lines.length).toBeGreaterThan(10);
    expect(first.lines.some(({ text, level }) => level === "info" && text.startsWith("gateway: "))).toBe(true);
    await gateway.turn("Another", "third");
    const next = await read("content.logs@1", { cursor: first.cursor });
    expect(next.cursor).toBeGreaterThan(first.cursor);
    expect(next.lines.length).toBeLessThan(first.lines.length + 100);
    const { lines } = await read("content.logs@1", { level: "warn" });
    expect(lines.every(({ level }) => level === undefined || ["warn", "error", "fatal"].includes(level))).toBe(true);
  }, 60_000);

  it("a conversation, with a grant for content alone", async () => {
    const { entries } = await read("content.transcript@1", { session: tags.tag("session", "agent:main:first") });
    expect(entries.map(({ role }) => role)).toEqual(["user", "assistant"]);
    expect(entries[0]?.text).toBe(MESSAGE);
    const second = await read("content.transcript@1", { session: tags.tag("session", "agent:main:second") });
    expect(second.entries[0]?.text).not.toContain("abcdef");
  });

  it("what could be better, and what a lockdown would change", async () => {
    const { advice } = await read("gateway.advice@1");
    const ids = advice.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(["exec_unasked", "auto_pairing"]));
    expect(ids).not.toContain("exposed");
    const { changes } = await read("gateway.lockdown@1");
    expect(changes.map(({ path: at }) => at)).toContain("gateway.nodes.pairing.autoApproveLocal");
  });
});

describe("what never comes out", () => {
  it("no secret in any reading, no message in a list", () => {
    for (const reading of everything) {
      expect(reading).not.toContain(gateway.token);
      for (const secret of Object.values(planted)) expect(reading).not.toContain(secret);
      if (reading.startsWith("gateway.")) expect(reading).not.toContain("plum harbour");
    }
  });
});

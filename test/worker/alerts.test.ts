import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { alertsOf, countRefusal, raiseAlert } from "../../durable-objects/alert-client.ts";
import { toBase64url } from "../../protocol/bytes.ts";
import type { AlertRow } from "../../protocol/alerts.ts";
import type { AlertSettings, RefusalRates } from "../../protocol/contracts/alerts.ts";
import { ALERT_REFUSALS_PER_MINUTE, EDGE_ACTION_SECONDS } from "../../protocol/limits.ts";
import { createCredential } from "../fixtures/authenticator.ts";
import { approvedBody, type Bends } from "../fixtures/edge/edge-action.ts";
import { SIGNER_RP_ID, type Fields } from "../fixtures/workspace.ts";
import { addMember, signInMember } from "../fixtures/edge/people.ts";
import { Town } from "../fixtures/edge/town.ts";
import { edge, fresh, ledgerBodies, now, settled, type Reply } from "./client.ts";
import { env } from "./environment.ts";

const endpoint = "alertSettingsChange";
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const webhook = { setting: "alertWebhook", url: "https://hooks.example/in?a=1", secret };
const ntfy = { setting: "alertNtfy", url: "https://ntfy.example/clawhold-topic", token: "tk_secret" };

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});
afterEach(() => vi.restoreAllMocks());

const approved = (change: Fields, bends?: Bends): Promise<Fields> =>
  approvedBody(town.founded, { endpoint, change }, bends);
const change = async (what: Fields, bends?: Bends): Promise<Reply> =>
  town.page.call(endpoint, { body: await approved(what, bends) });
const listed = async (): Promise<readonly AlertRow[]> =>
  (await town.page.must("alerts"))["alerts"] as readonly AlertRow[];
const actions = async (alert: string): Promise<readonly unknown[]> =>
  (await ledgerBodies(town.workspace))
    .filter(({ detail }) => (detail as Fields)["alert"] === alert)
    .map((entry) => entry["action"]);

describe("alerts", () => {
  it("are listed, acknowledged and resolved, and each step is in the ledger under its person", async () => {
    await raiseAlert(env, town.workspace, { kind: "host.reset", subject: "h-one" });
    const [raised] = await listed();
    const alert = String(raised?.alert);
    expect(raised).toMatchObject({ kind: "host.reset", state: "open", times: 1, deliveries: [] });
    await town.page.must("alertAcknowledge", { params: { alert } });
    expect(await listed()).toMatchObject([{ alert, state: "acknowledged", acknowledged: { by: "p-ada" } }]);
    await town.page.must("alertResolve", { params: { alert } });
    expect(await listed()).toMatchObject([{ alert, state: "resolved", resolved: { by: "p-ada" } }]);
    expect(await actions(alert)).toEqual(["alert.raised", "alert.acknowledged", "alert.resolved"]);
  });

  it.each(["alertAcknowledge", "alertResolve"] as const)("%s knows no other alert", async (name) => {
    for (const alert of ["a-00000000000000000000", "A%2F", "x".repeat(60)])
      expect((await town.page.call(name, { params: { alert } })).code).toBe("alert_unknown");
  });

  it("counts refusals for the graph", async () => {
    await countRefusal(env, town.workspace, { code: "session_key", session: town.founded.session });
    const rates = (await town.page.must("refusalRates")) as unknown as RefusalRates;
    expect(rates.perMinute).toHaveLength(60);
    expect(rates.perMinute.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(rates.rates).toEqual([
      { by: "rule", name: "session_key", minute: 1, hour: 1 },
      { by: "session", name: town.founded.session, minute: 1, hour: 1 },
    ]);
    expect(rates.thresholds).toEqual({ minute: 5, hour: 20 });
  });
});

describe("a role", () => {
  it("that only looks sees alerts and closes none; where they go is not its business", async () => {
    const vera = await signInMember(town, await addMember(town, "p-vera", ["viewer"]));
    const alert = await alertsOf(env, town.workspace).raise(town.workspace, { kind: "host.reset", subject: "h-role" });
    expect((await vera.page.must("alerts"))["alerts"]).toContainEqual(expect.objectContaining({ alert }));
    for (const step of ["alertAcknowledge", "alertResolve"] as const)
      expect((await vera.page.call(step, { params: { alert } })).code).toBe("forbidden");
    for (const name of ["alertSettings", "alertTest"] as const)
      expect((await vera.page.call(name)).code).toBe("forbidden");
    const body = await approvedBody({ workspace: town.workspace, ...vera }, { endpoint, change: ntfy });
    expect((await vera.page.call(endpoint, { body })).code).toBe("forbidden");
    await town.page.must("alertResolve", { params: { alert } });
  });

  it("for one host knows of no other's alerts and counts", async () => {
    const oneHost = await town.state("role.define", {
      id: "one-host",
      permissions: ["metadata.read", "alert.acknowledge"],
      hosts: ["h-mine"],
      sessionSeconds: 7_200,
    });
    expect(oneHost.status).toBe(200);
    const scot = await signInMember(town, await addMember(town, "p-scot", ["one-host"]));
    const alerts = alertsOf(env, town.workspace);
    const about = (host: string) => alerts.raise(town.workspace, { kind: "host.reset", subject: host, host });
    const [mine, other] = [await about("h-mine"), await about("h-other")];
    const seen = (await scot.page.must("alerts"))["alerts"] as readonly AlertRow[];
    expect(seen.map(({ alert }) => alert)).toContain(mine);
    expect(seen.map(({ alert }) => alert)).not.toContain(other);
    expect((await scot.page.call("alertAcknowledge", { params: { alert: mine } })).status).toBe(200);
    expect((await scot.page.call("alertAcknowledge", { params: { alert: other } })).code).toBe("alert_unknown");
    await countRefusal(env, town.workspace, { code: "busy", host: "h-mine" });
    await countRefusal(env, town.workspace, { code: "busy", host: "h-other" });
    const { rates } = (await scot.page.must("refusalRates")) as unknown as RefusalRates;
    expect(rates.filter(({ by }) => by === "host").map(({ name }) => name)).toEqual(["h-mine"]);
    for (const alert of [mine, other]) await town.page.must("alertResolve", { params: { alert } });
  });
});

describe("too many refused commands", () => {
  it("raise an alert about the session and one about the rule, once", async () => {
    for (let i = 0; i < ALERT_REFUSALS_PER_MINUTE; i++) {
      const { bytes } = await town.submission("h-nobody");
      expect((await town.page.call("command", { body: { submission: toBase64url(bytes) } })).code).toBe("target");
    }
    await settled();
    const alerts = (await listed()).filter(({ kind, state }) => kind === "refusals.many" && state === "open");
    expect(new Set(alerts.map(({ detail }) => detail.name))).toEqual(new Set(["target", town.founded.session]));
    for (const { alert } of alerts) await town.page.must("alertResolve", { params: { alert } });
  });
});

describe("where alerts are sent", () => {
  it("is set by a touch, never told again, sealed in storage, and an entry", async () => {
    expect((await change(webhook)).status).toBe(200);
    expect((await change(ntfy)).status).toBe(200);
    const settings = (await town.page.must("alertSettings")) as unknown as AlertSettings;
    expect(settings).toEqual({
      webhook: { to: "hooks.example", since: expect.any(Number) },
      ntfy: { to: "ntfy.example", since: expect.any(Number), token: true },
      thresholds: { minute: 5, hour: 20 },
    });
    const stored = await runInDurableObject(alertsOf(env, town.workspace), (_, { storage }) =>
      JSON.stringify(storage.sql.exec("SELECT * FROM alert_targets").toArray()),
    );
    expect(stored).toContain("hooks.example");
    for (const hidden of [secret, secret.slice(6), "tk_secret", "clawhold-topic", "/in?a=1"])
      expect(stored).not.toContain(hidden);
    const entries = (await ledgerBodies(town.workspace)).filter(({ action }) => action === "setting.changed");
    expect(entries.map(({ detail }) => (detail as Fields)["setting"])).toEqual(["alertWebhook", "alertNtfy"]);
  });

  it("hears of an alert, signed, and a far end that is down is tried again", async () => {
    const sent: (Pick<Request, "url" | "redirect" | "headers"> & { readonly text: string })[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
      const request = input as Request;
      sent.push({ url: request.url, redirect: request.redirect, headers: request.headers, text: await request.text() });
      return new Response(null, { status: request.url.includes("ntfy") ? 200 : 500 });
    });
    await raiseAlert(env, town.workspace, { kind: "host.cloned", subject: "h-two" });
    await runInDurableObject(alertsOf(env, town.workspace), (object) => object.alarm());
    const alert = (await listed()).find(({ kind }) => kind === "host.cloned");
    expect(alert?.deliveries.map(({ channel, state, attempts }) => [channel, state, attempts])).toEqual([
      ["webhook", "waiting", 1],
      ["ntfy", "sent", 1],
    ]);
    sent.sort((a, b) => a.url.localeCompare(b.url));
    expect(sent.map(({ url, redirect }) => [url, redirect])).toEqual([
      ["https://hooks.example/in?a=1", "manual"],
      ["https://ntfy.example/clawhold-topic", "manual"],
    ]);
    expect(sent[0]?.headers.get("webhook-id")).toBe(`msg_${alert?.alert}_raised`);
    expect(sent[0]?.headers.get("webhook-signature")).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
    expect(sent[1]?.headers.get("authorization")).toBe("Bearer tk_secret");
    const body = JSON.parse(String(sent[0]?.text)) as Fields;
    expect(body).toMatchObject({ type: "alert.raised", data: { alert: alert?.alert, severity: "critical" } });
    expect(sent[1]?.text).not.toContain(secret);
  });

  it("is tested with one sentence, and tells what failed", async () => {
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input) =>
      (input as Request).url.includes("ntfy")
        ? new Response(null)
        : new Response(null, { status: 302, headers: { location: "http://127.0.0.1/" } }),
    );
    expect(await town.page.must("alertTest")).toEqual({
      results: [{ channel: "webhook", fault: "redirect" }, { channel: "ntfy" }],
    });
  });

  it("can be switched off, and thresholds set", async () => {
    expect((await change({ setting: "alertWebhookOff" })).status).toBe(200);
    expect((await change({ setting: "alertNtfyOff" })).status).toBe(200);
    const thresholds = { minute: 2, hour: 9 };
    expect((await change({ setting: "alertThresholds", thresholds })).body).toEqual({ thresholds });
    expect((await town.page.call("alertTest")).code).toBe("alert_nowhere");
  });

  it.each([
    "https://127.0.0.1/x",
    "https://2130706433/",
    "https://[::1]/",
    "https://gateway.local/",
    "https://user@hooks.example/",
  ])("is never %s", async (url) => {
    expect((await change({ ...webhook, url })).code).toBe("alert_target");
  });

  it.each([
    { ...webhook, url: "http://hooks.example/" },
    { ...webhook, secret: "whsec_c2hvcnQ=" },
    { ...webhook, secret: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
    { ...webhook, extra: "x" },
    { setting: "alertThresholds", thresholds: { minute: 0, hour: 1 } },
    { setting: "workspaceName" },
  ])("takes no other form: %j", async (what) => {
    expect((await change(what)).code).toBe("malformed_request");
  });
});

describe("an edge action", () => {
  const off = { setting: "alertNtfyOff" };

  it.each<readonly [string, string, Bends]>([
    ["another change than approved", "approval_wrong", { change: { setting: "alertWebhookOff" } }],
    ["another endpoint", "approval_wrong", { action: { endpoint: "alertTest" } }],
    ["another session", "approval_wrong", { action: { session: fresh() } }],
    ["another workspace", "approval_wrong", { action: { workspace: fresh() } }],
    ["an unknown member", "approval_wrong", { action: { more: 1 } }],
    ["a touch for a statement", "approval_wrong", { approval: { kind: "statement" } }],
    ["a touch over something else", "approval_wrong", { approval: { subject: fresh() } }],
    ["a touch for another workspace", "approval_wrong", { approval: { workspace: fresh() } }],
    ["a touch on another site", "approval_wrong", { knobs: { origin: "https://evil.example" } }],
    ["a touch by nobody in particular", "approval_wrong", { knobs: { flags: 0x01 } }],
    [
      "a bent signature",
      "approval_wrong",
      { knobs: { mutateSignature: (bytes) => bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1) } },
    ],
    ["an early clock", "approval_late", { action: { at: now() - EDGE_ACTION_SECONDS - 60 } }],
    ["a late clock", "approval_late", { action: { at: now() + EDGE_ACTION_SECONDS + 60 } }],
  ])("with %s changes nothing", async (_, code, bends) => {
    const before = await town.page.must("alertSettings");
    expect((await change(off, bends)).code).toBe(code);
    expect(await town.page.must("alertSettings")).toEqual(before);
  });

  it("by an unknown passkey changes nothing", async () => {
    const passkey = await createCredential({ rpId: SIGNER_RP_ID });
    expect((await change(off, { passkey })).code).toBe("approval_wrong");
  });

  it("by another administrator's passkey changes nothing: the session's own person approves", async () => {
    const otto = await addMember(town, "p-otto", ["admin"]);
    expect((await change(off, { passkey: otto.passkey })).code).toBe("approval_wrong");
  });

  it("is good once", async () => {
    const body = await approved(off);
    expect((await town.page.call(endpoint, { body })).status).toBe(200);
    expect((await town.page.call(endpoint, { body })).code).toBe("approval_used");
  });

  it("that failed for another reason is not spent", async () => {
    const body = await approved(off);
    expect((await town.page.call(endpoint, { body: { ...body, change: webhook } })).code).toBe("approval_wrong");
    expect((await town.page.call(endpoint, { body })).status).toBe(200);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlertRow } from "../../protocol/alerts.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { CHAIN_START, checkEntry, type ChainPosition } from "../../protocol/ledger.ts";
import { envelopeCodec } from "../../protocol/messages.ts";
import { endpoints, type ActivityRow, type HostRow } from "../../protocol/contracts.ts";
import { TICKET_HEADER } from "../../protocol/contracts/exports.ts";
import type { StreamRow } from "../../protocol/contracts/streams.ts";
import { ALERT_REFUSALS_PER_MINUTE } from "../../protocol/limits.ts";
import { approvedBody } from "../fixtures/edge/edge-action.ts";
import { signerOf } from "../fixtures/keys.ts";
import { HostPeer, telemetryOf } from "../fixtures/edge/host-peer.ts";
import {
  adminOf,
  certificateOf,
  EdgePage,
  foundingOf,
  fresh,
  offerSetupTo,
  ORIGIN,
  registerFirstAt,
} from "../fixtures/edge/page.ts";
import { Town } from "../fixtures/edge/town.ts";
import { bundleWorker, type Bundle } from "./bundle.ts";
import { startMiniflare, type RunningEdge } from "./miniflare.ts";
import { startPlain } from "./plain.ts";

const runtimes = { miniflare: startMiniflare, "plain workerd": startPlain } as const;

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleWorker();
});
afterAll(() => bundle.remove());

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe.each(Object.entries(runtimes))("the API in %s", (_, start) => {
  let edge: RunningEdge;
  let town: Town;
  beforeAll(async () => {
    edge = await start(bundle);
  });
  afterAll(() => edge.stop());

  it("answers problems before there is a workspace", async () => {
    const page = new EdgePage(edge, await signerOf("setup"));
    expect((await page.call("health")).body).toEqual({ ok: true });
    expect((await page.call("setupState")).code).toBe("setup_wrong");
    expect((await page.call("signInNonce")).code).toBe("no_workspace");
    expect((await page.call("me")).code).toBe("unauthenticated");
  });

  it("lets one of two racing roots found the workspace", async () => {
    const setup = await signerOf("setup");
    await offerSetupTo(edge, setup);
    const stranger = await foundingOf(
      setup,
      await registerFirstAt(edge, setup),
      (draft) => void (draft.root["ledgerKey"] = fresh()),
    );
    expect((await stranger.page.call("setupRoot", { body: stranger.body })).code).toBe("root_keys");
    const rivals = [
      await foundingOf(setup, await registerFirstAt(edge, setup)),
      await foundingOf(setup, await registerFirstAt(edge, setup)),
    ];
    const replies = await Promise.all(rivals.map(({ page, body }) => page.call("setupRoot", { body })));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    const winner = replies.findIndex(({ status }) => status === 200);
    // The other one came while the first was being written, or after.
    expect(["setup_busy", "setup_used"]).toContain(replies[1 - winner]?.code);
    const founding = rivals[winner];
    if (founding === undefined) throw new Error("no winner");
    founding.page.signer = await signerOf("session");
    town = Town.of({ ...founding, session: String(replies[winner]?.body["session"]) });
    expect((await new EdgePage(edge, setup).call("setupState")).code).toBe("setup_used");
  });

  it("wants cookie, signature, freshness and origin", async () => {
    const { page } = town;
    expect((await page.call("me")).status).toBe(200);
    expect((await page.call("me", { headers: { cookie: undefined } })).code).toBe("unauthenticated");
    expect((await page.call("me", { headers: { "clawhold-signature": undefined } })).code).toBe("unauthenticated");
    const jti = fresh();
    expect((await page.call("me", { request: { jti } })).status).toBe(200);
    expect((await page.call("me", { request: { jti } })).code).toBe("unauthenticated");
    expect((await page.call("passkeyOptions", { headers: { origin: "http://evil.localhost:8443" } })).code).toBe(
      "origin",
    );
    expect((await page.call("me", { headers: { "sec-fetch-site": "cross-site" } })).code).toBe("origin");
    expect((await page.call("activity", { query: "?limit=x" })).code).toBe("malformed_request");
    expect((await page.call("ticket", { body: { host: "h-x", more: 1 } })).code).toBe("malformed_request");
  });

  it("signs in with one touch", async () => {
    const visiting = new EdgePage(edge, await signerOf("session"));
    const session = await certificateOf(town.founded.passkey, await visiting.must("signInNonce"));
    expect((await visiting.call("signIn", { body: { session } })).status).toBe(200);
    expect((await visiting.call("signIn", { body: { session } })).code).toBe("sign_in_refused");
    expect((await visiting.call("signOut")).status).toBe(200);
    expect((await visiting.call("me")).code).toBe("unauthenticated");
  });

  it("carries a command from prepare to the receipt in the ledger", async () => {
    const peer = await HostPeer.at(edge, "parity host", town.workspace);
    expect((await peer.join({ token: fresh() }))?.code).toBe("join_token_wrong");
    expect(await peer.join()).toBeUndefined();
    const tunnel = await peer.open();
    await town.admit(peer);
    await tunnel.next("trust");
    tunnel.say({ kind: "telemetry", telemetry: telemetryOf() });
    const rowOf = async (): Promise<HostRow> =>
      (await town.page.must("host", { params: { host: peer.host } }))["host"] as HostRow;
    await until(async () => (await rowOf()).telemetry !== undefined);
    expect(await rowOf()).toMatchObject({
      status: "admitted",
      connected: true,
      telemetry: { gateway: { state: "running" } },
    });

    const { prepare } = await town.prepareBody(peer.host);
    const asked = town.page.call("prepare", { params: { host: peer.host }, body: { prepare } });
    await tunnel.answerPrepare();
    expect((await asked).status).toBe(200);

    const { body, digest } = await town.submission(peer.host);
    const submitted = async (): Promise<Readonly<Record<string, unknown>>> =>
      ((await town.page.must("command", { body }))["statuses"] as readonly Readonly<Record<string, unknown>>[])[0] ??
      {};
    const first = await submitted();
    expect(first).toMatchObject({ intent: digest, state: "delivered" });
    const { envelope } = await tunnel.next("deliver");
    expect(envelopeCodec.decode(fromBase64url(envelope)).intent).not.toBe("");
    tunnel.say(await peer.receipt(digest));
    await tunnel.next("ack");
    const status = await town.page.must("commandStatus", { params: { intent: digest, host: peer.host } });
    expect(status["state"]).toBe("receipted");
    expect((await submitted())["ledgerIndex"]).toBe(first["ledgerIndex"]);
  });

  it("keeps one chain of what happened", async () => {
    const read = async (query: string): Promise<{ rows: ActivityRow[]; head: ChainPosition }> =>
      (await town.page.must("activity", { query })) as unknown as { rows: ActivityRow[]; head: ChainPosition };
    await until(async () => (await read("")).rows[0]?.receipt !== undefined);
    const { rows, head } = await read("?after=0&limit=500");
    let position = CHAIN_START;
    const actions: string[] = [];
    for (const row of rows) {
      const step = checkEntry(fromBase64url(row.body), row.hash, { workspace: town.workspace, position });
      if (!step.ok) throw new Error(`${step.index}: ${step.fault}`);
      ({ position } = step);
      actions.push(step.entry.action);
    }
    expect(position).toEqual(head);
    // What a host says of itself travels in groups, and may come a moment later.
    expect(actions).toContain("host.connected");
    expect(actions.filter((action) => action !== "host.connected")).toEqual([
      "workspace.created",
      "session.started",
      "session.started",
      "session.refused",
      "session.ended",
      "join-token.made",
      "host.joined",
      "certificate.issued",
      "trust.stated",
      "command.accepted",
      "command.receipt",
    ]);
  });

  it("raises an alert, closes it, and says that a far end which is not there did not take it", async () => {
    const webhook = {
      setting: "alertWebhook",
      url: "https://hooks.example/alerts",
      secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    };
    const endpoint = "alertSettingsChange";
    const body = await approvedBody(town.founded, { endpoint, change: webhook });
    expect((await town.page.must(endpoint, { body }))["webhook"]).toMatchObject({ to: "hooks.example" });
    expect(await town.page.must("alertTest")).toEqual({ results: [{ channel: "webhook", fault: "unreachable" }] });
    for (let i = 0; i < ALERT_REFUSALS_PER_MINUTE; i++) {
      const { body: submission } = await town.submission("h-nobody");
      expect((await town.page.call("command", { body: submission })).code).toBe("target");
    }
    const listed = async (): Promise<readonly AlertRow[]> =>
      (await town.page.must("alerts"))["alerts"] as readonly AlertRow[];
    const open = async (): Promise<readonly AlertRow[]> => (await listed()).filter(({ state }) => state === "open");
    await until(async () => (await open()).some(({ deliveries }) => deliveries[0]?.fault === "unreachable"));
    for (const { alert } of await open()) await town.page.must("alertResolve", { params: { alert } });
    expect(new Set((await listed()).map(({ kind, state }) => `${kind} ${state}`))).toEqual(
      new Set(["refusals.many resolved"]),
    );
  });

  it("gives a copy of the log, the same in parts and whole, and only once for a ticket", async () => {
    const change = { format: "jsonl", purpose: "audit", filter: {} };
    const body = await approvedBody(town.founded, { endpoint: "exportStart", change });
    const { export: name } = await town.page.must("exportStart", { body });
    const params = { export: String(name) };
    const part = await town.page.must("exportPart", { params });
    expect(part["next"]).toBeUndefined();
    expect(String(part["text"]).trimEnd().split("\n").at(-1)).toMatch(/^\{"kind":"end","lines":\d+\}$/);
    const { ticket } = await town.page.must("exportTicket", { params, body: {} });
    const download = (): Promise<Response> => {
      const headers = { [TICKET_HEADER]: String(ticket) };
      return edge.send("web", new Request(`${ORIGIN}${endpoints.exportDownload.path}`, { method: "POST", headers }));
    };
    const taken = await download();
    expect([taken.status, await taken.text()]).toEqual([200, part["text"]]);
    expect((await download()).status).toBe(401);
  });

  it("follows the log for a far end that is not there, and says so", async () => {
    const change = {
      setting: "streamAdd",
      label: "SIEM",
      url: "https://siem.example/",
      secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      format: "ocsf",
      filter: {},
      from: 1,
    };
    const body = await approvedBody(town.founded, { endpoint: "streamChange", change });
    await town.page.must("streamChange", { body });
    const row = async () => ((await town.page.must("streams"))["streams"] as readonly StreamRow[])[0];
    await until(async () => (await row())?.state === "waiting");
    expect(await row()).toMatchObject({ to: "siem.example", fault: "unreachable", cursor: 0 });
    const { stream = "" } = (await row()) ?? {};
    const removal = await approvedBody(town.founded, {
      endpoint: "streamChange",
      change: { setting: "streamRemove", stream },
    });
    expect((await town.page.must("streamChange", { body: removal }))["streams"]).toEqual([]);
  });

  it("says how it stands to whoever runs it", async () => {
    expect((await adminOf(edge, "/admin/status")).body).toMatchObject({
      workspace: town.workspace,
      sessions: 1,
      hosts: [{ status: "admitted" }],
    });
  });
});

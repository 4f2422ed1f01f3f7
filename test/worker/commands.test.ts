import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { hostOf } from "../../durable-objects/env.ts";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { LIVE_SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX } from "../../protocol/contracts.ts";
import { dispatchCodec, envelopeCodec } from "../../protocol/messages.ts";
import { verifySignature } from "../../protocol/signing.ts";
import { signerOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, fresh, ledgerBodies, Page, replyOf, send, settled, type Reply } from "./client.ts";
import { env } from "./environment.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { telemetryOf } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

/** Hands in a command for one host and returns its state there. */
async function submitted(body: Fields): Promise<Fields> {
  const { statuses } = await town.page.must("command", { body });
  return (statuses as readonly Fields[])[0] ?? {};
}
const status = (intent: string, host: string): Promise<Reply> =>
  town.page.call("commandStatus", { params: { intent, host } });
const stubOf = (host: string) => hostOf(env, town.workspace, host);
const withAction = async (action: string, intent: string): Promise<readonly Fields[]> =>
  (await ledgerBodies(town.workspace)).filter(
    (entry) => entry["action"] === action && (entry["detail"] as Fields)["intent"] === intent,
  );

/** Until a condition holds; the object works on after it acknowledged. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("prepare", () => {
  it("carries the question and the host's own answer", async () => {
    const { peer, tunnel } = await admittedTo(town, "prepared");
    const { prepare } = await town.prepareBody(peer.host);
    const asked = town.page.call("prepare", { params: { host: peer.host }, body: { prepare } });
    await tunnel.answerPrepare();
    const { status: code, body } = await asked;
    expect(code).toBe(200);
    expect(body["prepared"]).toMatchObject({ signature: expect.any(String) });
  });

  it("passes on the host's refusal by its name", async () => {
    const { peer, tunnel } = await admittedTo(town, "busy");
    const { prepare, digest } = await town.prepareBody(peer.host);
    const asked = town.page.call("prepare", { params: { host: peer.host }, body: { prepare } });
    await tunnel.next("prepare");
    tunnel.say({ kind: "refused", subject: digest, code: "busy" });
    expect((await asked).code).toBe("busy");
  });

  it("closes on an answer that is not the host's", async () => {
    const { peer, tunnel } = await admittedTo(town, "impostor");
    const { prepare } = await town.prepareBody(peer.host);
    const asked = town.page.call("prepare", { params: { host: peer.host }, body: { prepare } });
    await tunnel.answerPrepare({}, await signerOf("stranger"));
    expect(await tunnel.closed()).toBe(1008);
    expect((await asked).code).toBe("host_offline");
  });

  it("is refused early: unknown host, offline, another session's key, another host, unknown operation", async () => {
    const { peer, tunnel } = await admittedTo(town, "early");
    const ask = async (host: string, change: Fields = {}) => {
      const { prepare } = await town.prepareBody(peer.host, change);
      return (await town.page.call("prepare", { params: { host }, body: { prepare } })).code;
    };
    expect(await ask("h-nobody")).toBe("target");
    expect(await ask(peer.host, { operation: "host.format@1" })).toBe("operation");
    expect(await ask(peer.host, { actor: { session: fresh() } })).toBe("session_key");
    expect(await ask(peer.host, { workspace: fresh() })).toBe("workspace");
    tunnel.socket.close(1000);
    await until(
      async () =>
        !((await town.page.must("host", { params: { host: peer.host } }))["host"] as { connected: boolean }).connected,
    );
    expect(await ask(peer.host)).toBe("host_offline");
  });
});

describe("a command", () => {
  it("is recorded, delivered with a dispatch for this tunnel, and ends in a receipt in the ledger", async () => {
    const { peer, tunnel } = await admittedTo(town, "commanded");
    const { body, digest } = await town.submission(peer.host);
    const first = await submitted(body);
    expect(first).toMatchObject({ intent: digest, state: "delivered" });
    expect(await withAction("command.accepted", digest)).toMatchObject([
      { index: first["ledgerIndex"], target: peer.host, source: expect.any(String) },
    ]);

    const delivered = await tunnel.next("deliver");
    const envelope = envelopeCodec.decode(fromBase64url(delivered.envelope));
    const dispatchBytes = fromBase64url(envelope.dispatch.body);
    const { dispatchKey } = await town.trust();
    expect(
      await verifySignature({
        kind: "dispatch",
        body: dispatchBytes,
        signature: envelope.dispatch.signature,
        publicKey: dispatchKey,
      }),
    ).toBe(true);
    expect(dispatchCodec.decode(dispatchBytes)).toMatchObject({
      intent: digest,
      host: peer.host,
      certFingerprint: peer.fingerprint,
    });

    const frame = await peer.receipt(digest);
    tunnel.say(frame);
    expect((await tunnel.next("ack")).receipt).toBe(1);
    await until(async () => (await withAction("command.receipt", digest)).length === 1);
    expect((await status(digest, peer.host)).body).toMatchObject({ state: "receipted", receipt: frame["signed"] });
    const { rows } = (await town.page.must("activity")) as { rows: { receipt?: unknown }[] };
    expect(rows[0]?.receipt).toEqual(frame["signed"]);
    const evidence = await town.page.must("commandEvidence", { params: { intent: digest, host: peer.host } });
    expect(evidence).toEqual(body);
  });

  it("is one command however often it is submitted and receipted", async () => {
    const { peer, tunnel } = await admittedTo(town, "repeated");
    const { body, digest } = await town.submission(peer.host);
    await Promise.all([town.page.must("command", { body }), town.page.must("command", { body })]);
    const { number } = await tunnel.next("deliver");
    const frame = await peer.receipt(digest);
    for (let i = 0; i < 3; i++) {
      tunnel.say(frame);
      await tunnel.next("ack");
    }
    await until(async () => (await withAction("command.receipt", digest)).length > 0);
    expect((await submitted(body))["state"]).toBe("receipted");
    expect(await withAction("command.accepted", digest)).toHaveLength(1);
    expect(await withAction("command.receipt", digest)).toHaveLength(1);
    expect(number).toBe(1);
  });

  it("waits for an absent host and is delivered again after every welcome until there is a receipt", async () => {
    const { peer, tunnel } = await admittedTo(town, "absent");
    tunnel.socket.close(1000);
    await until(
      async () =>
        !((await town.page.must("host", { params: { host: peer.host } }))["host"] as { connected: boolean }).connected,
    );
    const { body, digest } = await town.submission(peer.host);
    expect((await submitted(body))["state"]).toBe("queued");
    await evictDurableObject(stubOf(peer.host));
    const dispatches: string[] = [];
    for (let i = 0; i < 2; i++) {
      const again = await peer.open((await town.trust()).head);
      const { envelope } = await again.next("deliver");
      const { dispatch } = envelopeCodec.decode(fromBase64url(envelope));
      dispatches.push(dispatchCodec.decode(fromBase64url(dispatch.body)).tunnel);
      again.socket.close(1000);
      await until(
        async () =>
          !((await town.page.must("host", { params: { host: peer.host } }))["host"] as { connected: boolean })
            .connected,
      );
    }
    expect(new Set(dispatches).size).toBe(2);
    const last = await peer.open((await town.trust()).head);
    await last.next("deliver");
    last.say(await peer.receipt(digest, { verdict: "interrupted" }));
    await last.next("ack");
    expect((await status(digest, peer.host)).body["state"]).toBe("receipted");
  });

  it("does not reach a host when the ledger cannot write", async () => {
    const { peer, tunnel } = await admittedTo(town, "unrecorded");
    const { body, digest } = await town.submission(peer.host);
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    const refused = await town.page.call("command", { body });
    expect([refused.status, refused.code]).toEqual([503, "ledger_unavailable"]);
    expect((await status(digest, peer.host)).code).toBe("command_unknown");
    await env.DB.exec("DROP TRIGGER full");
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    expect(tunnel.heard.some(({ kind }) => kind === "deliver")).toBe(false);
    expect((await submitted(body))["state"]).toBe("delivered");
  });

  it("is finished by the alarm when the edge died between accepting and recording it", async () => {
    const { peer, tunnel } = await admittedTo(town, "half accepted");
    const { bytes, digest } = await town.submission(peer.host);
    const entry = {
      actor: { kind: "person", id: "p-ada" },
      action: "command.accepted",
      detail: { intent: digest },
      subject: digest,
    };
    await runInDurableObject(stubOf(peer.host), async (_, state) => {
      const submission = new TextDecoder().decode(bytes);
      state.storage.sql.exec("INSERT INTO held VALUES (?, ?, ?)", digest, submission, JSON.stringify(entry));
      await state.storage.setAlarm(Date.now() + 60_000);
    });
    await evictDurableObject(stubOf(peer.host));
    expect((await status(digest, peer.host)).body).toEqual({ intent: digest, host: peer.host, state: "queued" });
    await runDurableObjectAlarm(stubOf(peer.host));
    await tunnel.next("deliver");
    expect(await withAction("command.accepted", digest)).toHaveLength(1);
    expect((await status(digest, peer.host)).body["state"]).toBe("delivered");
  });

  it("is not called undone when its object failed after it had kept it", async () => {
    const { peer, tunnel } = await admittedTo(town, "kept and failed");
    const { body, digest } = await town.submission(peer.host);
    await runInDurableObject(stubOf(peer.host), (_, state) => {
      state.storage.sql.exec(
        "CREATE TRIGGER full BEFORE INSERT ON commands BEGIN SELECT RAISE(ABORT, 'disk full'); END",
      );
    });
    expect(await submitted(body)).toEqual({ intent: digest, host: peer.host, state: "queued" });
    await runInDurableObject(stubOf(peer.host), (_, state) => {
      state.storage.sql.exec("DROP TRIGGER full");
    });
    await runDurableObjectAlarm(stubOf(peer.host));
    await tunnel.next("deliver");
    expect(await withAction("command.accepted", digest)).toHaveLength(1);
  });

  it("is called uncertain when its object answers nothing at all", async () => {
    const { peer } = await admittedTo(town, "speechless");
    const { body, digest } = await town.submission(peer.host);
    const rename = (from: string, to: string) =>
      runInDurableObject(stubOf(peer.host), (_, state) => {
        state.storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`);
      });
    await rename("commands", "away");
    const reply = await town.page.call("command", { body });
    expect([reply.status, reply.code]).toEqual([503, "command_uncertain"]);
    await rename("away", "commands");
    expect((await status(digest, peer.host)).code).toBe("command_unknown");
  });

  it("keeps a receipt whose entry the ledger could not take, through an eviction, until the alarm brings it", async () => {
    const { peer, tunnel } = await admittedTo(town, "outboxed");
    const { body, digest } = await town.submission(peer.host);
    await town.page.must("command", { body });
    await tunnel.next("deliver");
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    tunnel.say(await peer.receipt(digest));
    await tunnel.next("ack");
    await evictDurableObject(stubOf(peer.host));
    expect(await withAction("command.receipt", digest)).toHaveLength(0);
    await env.DB.exec("DROP TRIGGER full");
    await runDurableObjectAlarm(stubOf(peer.host));
    expect(await withAction("command.receipt", digest)).toHaveLength(1);
  });

  it("records the host's unsigned refusal as the edge's word, and lets a later receipt overrule it", async () => {
    const { peer, tunnel } = await admittedTo(town, "refusing");
    const { body, digest } = await town.submission(peer.host);
    await town.page.must("command", { body });
    await tunnel.next("deliver");
    tunnel.say({ kind: "refused", subject: digest, code: "challenge" });
    await until(async () => (await withAction("command.refused", digest)).length === 1);
    expect(await withAction("command.refused", digest)).toMatchObject([
      { actor: { kind: "edge" }, detail: { code: "challenge" } },
    ]);
    expect((await status(digest, peer.host)).body).toMatchObject({ state: "refused", code: "challenge" });
    tunnel.say({ kind: "refused", subject: fresh(), code: "challenge" });
    tunnel.say(await peer.receipt(digest));
    await tunnel.next("ack");
    expect((await status(digest, peer.host)).body["state"]).toBe("receipted");
  });

  it("closes on a receipt that is not this host's own word", async () => {
    const stranger = await signerOf("stranger");
    const { peer, tunnel: first } = await admittedTo(town, "lying");
    first.socket.close(1000);
    const intent = fresh();
    const lies = [
      await peer.receipt(intent, {}, stranger),
      await peer.receipt(intent, { host: "h-other" }),
      await peer.receipt(intent, { workspace: fresh() }),
      { ...(await peer.receipt(intent)), number: 2 },
      {
        ...(await peer.receipt(intent)),
        signed: { body: toBase64url(new Uint8Array([123, 125])), signature: "A".repeat(86) },
      },
    ];
    for (const lie of lies) {
      await until(
        async () =>
          !((await town.page.must("host", { params: { host: peer.host } }))["host"] as { connected: boolean })
            .connected,
      );
      const tunnel = await peer.open((await town.trust()).head);
      tunnel.say(lie);
      expect(await tunnel.closed()).toBe(1008);
    }
    expect(await withAction("command.receipt", intent)).toHaveLength(0);
  });

  it("is refused by the edge by the same rules as by a host, and recorded", async () => {
    const { peer, tunnel } = await admittedTo(town, "guarded");
    const cases: readonly (readonly [string, Fields, Fields])[] = [
      ["trust_behind", { trustHead: { n: 0, hash: fresh(), revoked: fresh() } }, {}],
      ["operation", { operation: "host.format@1" }, {}],
      ["approval_subject", {}, { subject: fresh() }],
      ["workspace", { workspace: fresh() }, {}],
      ["session_key", { actor: { session: fresh() } }, {}],
    ];
    for (const [code, intent, approval] of cases) {
      const { body, digest } = await town.submission(peer.host, intent, approval);
      expect((await town.page.call("command", { body })).code).toBe(code);
      expect(await withAction("command.refused", digest)).toMatchObject([
        { actor: { kind: "person", id: "p-ada" }, detail: { code } },
      ]);
    }
    // What is no intent has no digest to be found by.
    const bent = await town.submission(peer.host, { extra: 1 });
    expect((await town.page.call("command", { body: bent.body })).code).toBe("malformed");
    const { body } = await town.submission("h-not-admitted");
    expect((await town.page.call("command", { body })).code).toBe("target");
    expect(
      (await town.page.call("command", { body: { submission: toBase64url(new TextEncoder().encode("{}")) } })).code,
    ).toBe("malformed");
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    expect(tunnel.heard.some(({ kind }) => kind === "deliver")).toBe(false);
  });
});

describe("the live socket", () => {
  const origin = "http://clawhold.localhost:8443";
  async function connect(
    host: string,
    ticket: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const protocols = `${LIVE_SUBPROTOCOL}, ${TICKET_SUBPROTOCOL_PREFIX}${ticket}`;
    const init = { headers: { upgrade: "websocket", origin, "sec-websocket-protocol": protocols, ...headers } };
    return send("web", new Request(`${origin}/api/hosts/${host}/live`, init));
  }
  const ticketFor = async (host: string): Promise<string> =>
    String((await town.page.must("ticket", { body: { host } }))["ticket"]);

  it("opens with one ticket once, for its host, from its origin, and then shows what happens", async () => {
    const { peer, tunnel } = await admittedTo(town, "watched");
    const ticket = await ticketFor(peer.host);
    const { webSocket, headers } = await connect(peer.host, ticket);
    expect(headers.get("sec-websocket-protocol")).toBe(LIVE_SUBPROTOCOL);
    const events: Fields[] = [];
    webSocket?.addEventListener("message", ({ data }) => events.push(JSON.parse(String(data)) as Fields));
    webSocket?.accept();
    await until(() => Promise.resolve(events.length === 1));
    expect(events[0]).toMatchObject({ kind: "host", row: { host: peer.host, connected: true } });
    tunnel.say({ kind: "telemetry", telemetry: telemetryOf() });
    await until(() => Promise.resolve(events.length === 2));
    expect(events[1]).toMatchObject({ row: { telemetry: { gateway: { bootId: "boot-0001" } } } });
    await evictDurableObject(stubOf(peer.host));
    const { body, digest } = await town.submission(peer.host);
    await town.page.must("command", { body });
    await until(() => Promise.resolve(events.some(({ kind }) => kind === "command")));
    expect(events.find(({ kind }) => kind === "command")).toMatchObject({ status: { intent: digest } });
    tunnel.socket.close(1000);
    await until(() =>
      Promise.resolve(events.some(({ row }) => (row as { connected?: boolean } | undefined)?.connected === false)),
    );

    const refused = async (response: Promise<Response>): Promise<string | undefined> =>
      (await replyOf(await response)).code;
    expect(await refused(connect(peer.host, ticket))).toBe("unauthenticated");
    expect(await refused(connect(peer.host, fresh()))).toBe("unauthenticated");
    expect(await refused(connect("h-other", await ticketFor(peer.host)))).toBe("unauthenticated");
    expect(
      await refused(connect(peer.host, await ticketFor(peer.host), { origin: "http://evil.localhost:8443" })),
    ).toBe("origin");
    expect(await refused(connect(peer.host, "short"))).toBe("unauthenticated");
    expect(await refused(connect("h-nobody", await ticketFor("h-nobody")))).toBe("host_unknown");
    expect(await refused(send("web", new Request(`${origin}/api/hosts/${peer.host}/live`)))).toBe("method");
  });

  it("closes when the page speaks, and when its session ends", async () => {
    const { peer } = await admittedTo(town, "closing");
    const closes = async (webSocket: WebSocket | null): Promise<number> => {
      const closed = new Promise<number>((resolve) =>
        webSocket?.addEventListener("close", ({ code }) => resolve(code)),
      );
      webSocket?.accept();
      return closed;
    };
    const speaking = (await connect(peer.host, await ticketFor(peer.host))).webSocket;
    const spoken = closes(speaking);
    speaking?.send("hello");
    expect(await spoken).toBe(1008);
    const lasting = (await connect(peer.host, await ticketFor(peer.host))).webSocket;
    const ended = closes(lasting);
    const page = new Page(town.page.signer, town.page.cookie);
    await page.must("signOut");
    await settled();
    expect(await ended).toBe(4004);
  });
});

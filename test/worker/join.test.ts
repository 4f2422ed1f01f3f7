import { beforeAll, describe, expect, it } from "vitest";
import { evictDurableObject } from "cloudflare:test";
import { hostOf } from "../../durable-objects/env.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { digestOf, verifySignature } from "../../protocol/signing.ts";
import type { HostRow } from "../../protocol/contracts.ts";
import { joinCodec, welcomeCodec } from "../../protocol/tunnel.ts";
import { signed, signerOf } from "../fixtures/keys.ts";
import { admin, edge, refusal, upgrade, fresh, ledgerBodies, now, replyOf, send } from "./client.ts";
import { env } from "./environment.ts";
import { HostPeer, joinTokenOf, makeCsr, telemetryOf } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

const peerOf = (name: string): Promise<HostPeer> => HostPeer.at(edge, name, town.workspace);

describe("joining", () => {
  it("takes a token once and answers with a certificate for this host", async () => {
    const peer = await peerOf("joiner");
    const token = await joinTokenOf(edge);
    expect(await peer.join({ token })).toBeUndefined();
    expect((await peer.join({ token }))?.code).toBe("join_token_used");
    const entries = (await ledgerBodies(town.workspace)).slice(-2);
    expect(entries.map(({ action }) => action)).toEqual(["host.joined", "certificate.issued"]);
    expect(entries[1]).toMatchObject({ target: peer.host, detail: { certificate: peer.fingerprint } });
    const { X509Certificate, ExtendedKeyUsageExtension } = await import("@peculiar/x509");
    const certificate = new X509Certificate(peer.certificate);
    expect(certificate.subject).toBe(`CN=${peer.host}`);
    expect(await certificate.verify({ publicKey: new X509Certificate(env.AGENT_CA_CERT ?? "").publicKey })).toBe(true);
    expect(certificate.getExtension(ExtendedKeyUsageExtension)?.usages).toEqual(["1.3.6.1.5.5.7.3.2"]);
  });

  it("keeps what the host signed and hands it out while it waits, byte for byte", async () => {
    const peer = await peerOf("signer of its join");
    await peer.join();
    const rowNow = async (): Promise<HostRow> =>
      (await town.page.must("host", { params: { host: peer.host } }))["host"] as HostRow;
    const { join } = await rowNow();
    const body = fromBase64url(join?.body ?? "");
    expect(joinCodec.decode(body)).toMatchObject({ hostKey: peer.key.publicKey, cosignKey: peer.cosign.publicKey });
    const signature = join?.signature ?? "";
    expect(await verifySignature({ kind: "join", body, signature, publicKey: peer.key.publicKey })).toBe(true);
    await peer.join();
    expect((await rowNow()).join?.body).not.toBe(join?.body);
    await town.admit(peer);
    expect(await rowNow()).not.toHaveProperty("join");
  });

  it("shows a host that joined before joins were kept, without one", async () => {
    const peer = await peerOf("joined long ago");
    await peer.join();
    await env.DB.prepare("UPDATE hosts SET join_body = NULL, join_signature = NULL WHERE host = ?")
      .bind(peer.host)
      .run();
    const row = (await town.page.must("host", { params: { host: peer.host } }))["host"];
    expect(row).toMatchObject({ status: "quarantined" });
    expect(row).not.toHaveProperty("join");
  });

  it("lets one of two racing hosts use a token", async () => {
    const token = await joinTokenOf(edge);
    const [a, b] = await Promise.all([
      (await peerOf("race a")).join({ token }),
      (await peerOf("race b")).join({ token }),
    ]);
    expect(new Set([a?.code, b?.code])).toEqual(new Set(["join_token_used", undefined]));
  });

  it("names a wrong and an ended token", async () => {
    const peer = await peerOf("joiner");
    expect((await peer.join({ token: fresh() }))?.code).toBe("join_token_wrong");
    const token = await joinTokenOf(edge);
    await env.DB.prepare("UPDATE join_tokens SET expires = ?")
      .bind(now() - 1)
      .run();
    expect((await peer.join({ token }))?.code).toBe("join_token_expired");
  });

  it("refuses a join that does not verify, without burning the token", async () => {
    const peer = await peerOf("joiner");
    const token = await joinTokenOf(edge);
    const stranger = await signerOf("stranger");
    expect((await peer.join({ token, signer: stranger }))?.code).toBe("join_refused");
    expect((await peer.join({ token, join: { workspace: fresh() } }))?.code).toBe("join_workspace");
    expect((await peer.join({ token, csr: new Uint8Array(40) }))?.code).toBe("join_refused");
    const bent = await makeCsr();
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1;
    expect((await peer.join({ token, csr: bent }))?.code).toBe("join_refused");
    const p384 = await makeCsr("P-384");
    expect((await peer.join({ token, csr: p384 }))?.code).toBe("join_refused");
    expect(await peer.join({ token })).toBeUndefined();
  });

  it("hands out nothing while the ledger cannot write, and the token stays good", async () => {
    const peer = await peerOf("ledgerless");
    const token = await joinTokenOf(edge);
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    expect((await peer.join({ token }))?.code).toBe("ledger_unavailable");
    await env.DB.exec("DROP TRIGGER full");
    expect(await peer.join({ token })).toBeUndefined();
  });

  it("is not reachable through the page's door, nor is the admin's", async () => {
    const request = (path: string): Request =>
      new Request(`http://clawhold.localhost:8443${path}`, { method: "POST", body: "{}" });
    for (const path of ["/join", "/tunnel", "/admin/join-token", "/admin/setup"]) {
      expect((await send("web", request(path))).status).toBe(404);
      expect((await send(undefined, request(path))).status).toBe(404);
    }
    expect((await send("agent", request("/admin/join-token"))).status).toBe(404);
    expect((await send("agent", request("/api/health"))).status).toBe(404);
    // Without marks the hostname decides: this is the agents' door, which wants a certificate even to say that it is well.
    const health = await send(undefined, new Request("https://agents.test/health"));
    expect((await replyOf(health)).code).toBe("certificate_unavailable");
    expect((await send(undefined, new Request("https://agents.test/admin/status"))).status).toBe(404);
  });
});

describe("the client certificate", () => {
  it("is judged at each request: missing, untrusted, revoked, unknown, ended, replaced", async () => {
    const peer = await peerOf("certified");
    await peer.join();
    const cf = {
      tlsClientAuth: {
        certPresented: "1",
        certVerified: "SUCCESS",
        certRevoked: "0",
        certFingerprintSHA256: peer.fingerprint,
      },
    };
    const health = new Request("https://agents.test:4471/health", { cf } as unknown as RequestInit);
    expect((await send("agent", health)).status).toBe(200);
    expect(await refusal(peer, { certPresented: "0" })).toBe("certificate_missing");
    expect(await refusal(peer, { certVerified: "FAILED:unable to verify" })).toBe("certificate_untrusted");
    expect(await refusal(peer, { certVerified: "NONE" })).toBe("certificate_untrusted");
    expect(await refusal(peer, { certRevoked: "1" })).toBe("certificate_revoked");
    expect(await refusal(peer, { certFingerprintSHA256: "0".repeat(64) })).toBe("certificate_unknown");
    expect(await refusal(peer, { certFingerprintSHA256: peer.fingerprint.toUpperCase() })).toBe(
      "certificate_untrusted",
    );
    const bare = await send(
      "agent",
      new Request("https://agents.test:4471/tunnel", { headers: { upgrade: "websocket" } }),
    );
    expect((await replyOf(bare)).code).toBe("certificate_unavailable");
    const { fingerprint } = peer;
    await peer.join();
    expect(await refusal(peer, { certFingerprintSHA256: fingerprint })).toBe("certificate_replaced");
    await env.DB.prepare("UPDATE certificates SET valid_until = ? WHERE host = ?").bind(now(), peer.host).run();
    expect(await refusal(peer, {})).toBe("certificate_expired");
  });

  it("closes an open tunnel when it is revoked", async () => {
    const peer = await peerOf("revoked");
    await peer.join();
    const tunnel = await peer.open();
    expect((await admin("/admin/revoke-certificate", { fingerprint: peer.fingerprint })).status).toBe(200);
    expect(await tunnel.closed()).toBe(4003);
    expect(await refusal(peer, {})).toBe("certificate_revoked");
    const revoked = (await ledgerBodies(town.workspace)).filter(
      ({ action, target }) => action === "certificate.revoked" && target === peer.host,
    );
    expect(revoked).toMatchObject([{ actor: { kind: "edge" }, detail: { certificate: peer.fingerprint } }]);
    expect((await admin("/admin/revoke-certificate", { fingerprint: "0".repeat(64) })).code).toBe(
      "certificate_unknown",
    );
  });

  it("of the edge itself is one entry, however often it is told", async () => {
    const fingerprint = "c".repeat(64);
    for (let i = 0; i < 2; i += 1)
      expect((await admin("/admin/server-certificate", { fingerprint })).body).toEqual({ isRecorded: true });
    const named = (await ledgerBodies(town.workspace)).filter(
      ({ detail }) => (detail as { certificate?: string }).certificate === fingerprint,
    );
    expect(named).toMatchObject([
      { action: "certificate.issued", actor: { kind: "edge" }, detail: { certificate: fingerprint, code: "server" } },
    ]);
  });

  it("of a browser is an entry without a host, and opens no tunnel", async () => {
    const fingerprint = "b".repeat(64);
    for (const change of ["issued", "revoked", "revoked"])
      expect((await admin("/admin/browser-certificate", { fingerprint, change })).status).toBe(200);
    const entries = (await ledgerBodies(town.workspace)).filter(({ action }) =>
      String(action).startsWith("certificate."),
    );
    const ours = entries.filter(({ detail }) => (detail as { certificate?: string }).certificate === fingerprint);
    expect(ours).toMatchObject([
      { action: "certificate.issued", actor: { kind: "edge" } },
      { action: "certificate.revoked", actor: { kind: "edge" } },
    ]);
    expect(ours.every((entry) => !("target" in entry))).toBe(true);
    expect((await admin("/admin/browser-certificate", { fingerprint, change: "given" })).code).toBe(
      "malformed_request",
    );
    const peer = await peerOf("with a browser's");
    await peer.join();
    peer.fingerprint = fingerprint;
    expect(await refusal(peer, {})).toBe("certificate_unknown");
  });

  it("cannot be replaced by a header from outside", async () => {
    const honest = await peerOf("honest");
    await honest.join();
    const liar = await peerOf("liar");
    await liar.join();
    const opening = JSON.stringify({
      kind: "agent",
      workspace: town.workspace,
      host: honest.host,
      hostKey: liar.key.publicKey,
      certFingerprint: liar.fingerprint,
    });
    const { webSocket } = await upgrade(liar, {}, { "clawhold-socket": opening });
    expect(webSocket).not.toBeNull();
    webSocket?.accept();
    const rows = (await town.page.must("hosts"))["hosts"] as { host: string; connected: boolean }[];
    expect(rows.find(({ host }) => host === honest.host)?.connected).toBe(false);
  });
});

describe("joining again", () => {
  it("closes the tunnel that rests on the certificate before", async () => {
    const peer = await peerOf("again");
    await peer.join();
    const tunnel = await peer.open();
    await peer.join();
    expect(await tunnel.closed()).toBe(4003);
    await peer.open();
  });
});

describe("the handshake", () => {
  it("proves the edge with the dispatch key, after the trust log and before anything else", async () => {
    const peer = await peerOf("shaker");
    await peer.join();
    const tunnel = await peer.connect();
    await tunnel.hello();
    const { signed: welcome } = await tunnel.next("welcome");
    expect(tunnel.heard.map(({ kind }) => kind)).toEqual(["challenge", "trust", "welcome"]);
    const body = fromBase64url(welcome.body);
    const publicKey = (await town.trust()).dispatchKey;
    expect(await verifySignature({ kind: "welcome", body, signature: welcome.signature, publicKey })).toBe(true);
    expect(welcomeCodec.decode(body)).toMatchObject({ host: peer.host, certFingerprint: peer.fingerprint });
  });

  it("sends no trust that the host has already", async () => {
    const peer = await peerOf("informed");
    await peer.join();
    const tunnel = await peer.open((await town.trust()).head);
    expect(tunnel.heard.map(({ kind }) => kind)).toEqual(["challenge", "welcome"]);
  });

  it("closes on a hello of another key, host, workspace, nonce or tunnel", async () => {
    const peer = await peerOf("bent hello");
    await peer.join();
    const stranger = await signerOf("stranger");
    const bends = [{ workspace: fresh() }, { edgeNonce: fresh() }, { tunnel: fresh() }];
    for (const bend of bends) {
      const tunnel = await peer.connect();
      await tunnel.hello(bend);
      expect(await tunnel.closed()).toBe(1008);
    }
    const tunnel = await peer.connect();
    await tunnel.hello({}, stranger);
    expect(await tunnel.closed()).toBe(1008);
  });

  it("tells a host that came with another host's certificate, and takes nothing else from it", async () => {
    const peer = await peerOf("one with the files of another");
    await peer.join();
    const other = await peerOf("whose files they are");
    await other.join();
    peer.fingerprint = other.fingerprint;
    const tunnel = await peer.connect();
    await tunnel.hello();
    expect(await tunnel.closed()).toBe(4006);
    const rows = (await town.page.must("hosts"))["hosts"] as { host: string; connected: boolean }[];
    expect(rows.filter(({ host, connected }) => connected && [peer.host, other.host].includes(host))).toEqual([]);
  });

  it("closes on a frame before hello, on unknown frames and fields, on binary, and on a second hello", async () => {
    const peer = await peerOf("hostile");
    await peer.join();
    const early = await peer.connect();
    early.say({ kind: "telemetry", telemetry: telemetryOf() });
    expect(await early.closed()).toBe(1008);
    const frames = [
      '{"kind":"shell"}',
      '{"extra":1,"kind":"trust-want"}',
      '{ "kind":"trust-want"}',
      "[]",
      "x".repeat(131_073),
    ];
    for (const text of frames) {
      const tunnel = await peer.open();
      tunnel.socket.send(text);
      expect(await tunnel.closed()).toBe(1008);
    }
    const binary = await peer.open();
    binary.socket.send(new Uint8Array([1, 2, 3]));
    expect(await binary.closed()).toBe(1008);
    const twice = await peer.open();
    twice.say({ kind: "hello", signed: await signed(peer.key, "hello", new Uint8Array([1])) });
    expect(await twice.closed()).toBe(1008);
  });

  it("goes on after the object was evicted between challenge and hello", async () => {
    const peer = await peerOf("sleeper");
    await peer.join();
    const tunnel = await peer.connect();
    await evictDurableObject(hostOf(env, town.workspace, peer.host));
    await tunnel.hello();
    await tunnel.next("welcome");
    await evictDurableObject(hostOf(env, town.workspace, peer.host));
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
  });

  it("prefers a first connection that answers to a second one with its key", async () => {
    const peer = await peerOf("cloned");
    await peer.join();
    const first = await peer.open();
    const second = await peer.connect();
    const asked = first.next("trust");
    await second.hello();
    expect((await asked).page).toEqual({ statements: [] });
    first.say({ kind: "trust-want" });
    expect(await second.closed()).toBe(4002);
    first.say({ kind: "trust-want" });
    await first.next("trust");
  });

  it("gives way to a second connection when the first is silent", { timeout: 15_000 }, async () => {
    const peer = await peerOf("half-open");
    await peer.join();
    const first = await peer.open();
    const second = await peer.connect();
    await second.hello();
    await second.next("welcome");
    expect(await first.closed()).toBe(4001);
  });
});

describe("trust on a tunnel", () => {
  it("reaches a connected host with the statement, is acknowledged by its key only, and removes it for good", async () => {
    const peer = await peerOf("followed");
    await peer.join();
    const tunnel = await peer.open((await town.trust()).head);
    await town.admit(peer);
    const { page } = await tunnel.next("trust");
    expect(page.statements).toHaveLength(1);
    const head = (await town.trust()).head;
    const ack = { v: 1, workspace: town.workspace, host: peer.host, trustHead: head };
    const { encodeCanonical } = await import("../../protocol/canonical.ts");
    tunnel.say({ kind: "trust-ack", signed: await signed(peer.key, "trust-ack", encodeCanonical(ack)) });
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    const row = (await town.page.must("host", { params: { host: peer.host } }))["host"];
    expect(row).toMatchObject({ status: "admitted", connected: true, trustAck: { signature: expect.any(String) } });
    tunnel.say({
      kind: "trust-ack",
      signed: await signed(await signerOf("stranger"), "trust-ack", encodeCanonical(ack)),
    });
    expect(await tunnel.closed()).toBe(1008);

    const again = await peer.open(head);
    expect((await town.state("host.remove", { host: peer.host })).status).toBe(200);
    expect(await again.closed()).toBe(4003);
    expect(await refusal(peer, {})).toBe("host_removed");
    expect((await peer.join())?.code).toBe("host_removed");
  });

  it("ignores what a quarantined host says of itself", async () => {
    const peer = await peerOf("quarantined");
    await peer.join();
    const tunnel = await peer.open();
    tunnel.say({ kind: "telemetry", telemetry: telemetryOf() });
    tunnel.say(await peer.receipt(digestOf("intent", new Uint8Array([1]))));
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    const row = (await town.page.must("host", { params: { host: peer.host } }))["host"] as object;
    expect(row).toMatchObject({ status: "quarantined", connected: true });
    expect(row).not.toHaveProperty("telemetry");
    expect(tunnel.heard.some(({ kind }) => kind === "ack")).toBe(false);
    const { prepare } = await town.prepareBody(peer.host);
    expect((await town.page.call("prepare", { params: { host: peer.host }, body: { prepare } })).code).toBe(
      "host_quarantined",
    );
  });
});

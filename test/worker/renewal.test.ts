/** The life of a client certificate at the edge: asked for on the tunnel, changed over, taken away. */
import { beforeAll, describe, expect, it } from "vitest";
import { evictDurableObject } from "cloudflare:test";
import * as x509 from "@peculiar/x509";
import { hostOf } from "../../durable-objects/env.ts";
import { fromBase64url, toBase64url, toHex } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { MAX_CERTIFICATE_REQUESTS_PER_HOUR } from "../../protocol/limits.ts";
import { sha256Of, type MessageKind, type Signer } from "../../protocol/signing.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { HostPeer, makeCsr, type Tunnel } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signed, signerOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, fresh, ledgerBodies, now, refusal, replyOf, send } from "./client.ts";
import { env } from "./environment.ts";

const DAY = 86_400;
let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

/** As if two thirds of its life were over. */
async function makeDue({ fingerprint }: HostPeer): Promise<void> {
  await env.DB.prepare("UPDATE certificates SET valid_from = ?, valid_until = ? WHERE fingerprint = ?")
    .bind(now() - 61 * DAY, now() + 29 * DAY, fingerprint)
    .run();
}

async function dueHost(name: string): Promise<{ readonly peer: HostPeer; readonly tunnel: Tunnel }> {
  const joined = await admittedTo(town, name);
  await makeDue(joined.peer);
  return joined;
}

interface Bend {
  readonly change?: Fields;
  readonly csr?: Uint8Array;
  readonly signer?: Signer;
  readonly kind?: MessageKind;
}

async function requestOf(tunnel: Tunnel, bend: Bend = {}): Promise<Fields> {
  const challenge = tunnel.heard.find((frame) => frame.kind === "challenge");
  const { peer } = tunnel;
  const csr = toBase64url(bend.csr ?? (await makeCsr()));
  const { workspace, host } = peer;
  const body = encodeCanonical({ v: 1, workspace, host, tunnel: challenge?.tunnel ?? "", csr, ...bend.change });
  const kind = bend.kind ?? "certificate-request";
  return { kind: "certificate-request", signed: await signed(bend.signer ?? peer.key, kind, body) };
}

async function refusedWith(tunnel: Tunnel, frame: Fields): Promise<string> {
  tunnel.say(frame);
  return (await tunnel.next("certificate-refused")).code;
}

/** The fingerprint of the certificate that an honest request brings. */
async function renewed(tunnel: Tunnel, bend: Bend = {}): Promise<string> {
  tunnel.say(await requestOf(tunnel, bend));
  const { certificate } = await tunnel.next("certificate");
  return toHex(sha256Of(fromBase64url(certificate)));
}

async function entriesOf(action: string, peer: HostPeer): Promise<readonly string[]> {
  const entries = (await ledgerBodies(town.workspace)).filter(
    (entry) => entry["action"] === action && entry["target"] === peer.host,
  );
  return entries.map(({ detail }) => String((detail as Fields)["certificate"]));
}

async function standing({ host }: HostPeer): Promise<readonly string[]> {
  const query =
    "SELECT fingerprint FROM certificates WHERE host = ? AND revoked_at IS NULL ORDER BY issued_at, used_at DESC";
  const { results } = await env.DB.prepare(query).bind(host).all<{ fingerprint: string }>();
  return results.map(({ fingerprint }) => fingerprint);
}

async function come(peer: HostPeer): Promise<Tunnel> {
  return peer.open((await town.trust()).head);
}

describe("a certificate that is due", () => {
  it("is followed by one for the new key, with an entry; the old one is good until the new one was used", async () => {
    const { peer, tunnel } = await dueHost("renews");
    const csr = await makeCsr();
    tunnel.say(await requestOf(tunnel, { csr }));
    const { certificate } = await tunnel.next("certificate");
    const der = fromBase64url(certificate);
    const asked = new x509.Pkcs10CertificateRequest(new Uint8Array(csr));
    expect(new x509.X509Certificate(der).publicKey.rawData).toEqual(asked.publicKey.rawData);
    const [old, next] = [peer.fingerprint, toHex(sha256Of(der))];
    expect(await entriesOf("certificate.issued", peer)).toEqual([old, next]);
    expect(await standing(peer)).toHaveLength(2);
    tunnel.socket.close(1000);
    const again = await come(peer); // the answer was lost on the way
    again.socket.close(1000);
    expect(await standing(peer)).toHaveLength(2);
    peer.fingerprint = next;
    await evictDurableObject(hostOf(env, town.workspace, peer.host));
    const last = await come(peer);
    await expect.poll(() => standing(peer)).toEqual([next]);
    expect(await refusal(peer, { certFingerprintSHA256: old })).toBe("certificate_replaced");
    await expect.poll(() => entriesOf("certificate.revoked", peer)).toEqual([old]);
    last.say({ kind: "trust-want" });
    await last.next("trust");
  });

  it("is followed by one at a time: the one whose answer was lost is taken away", async () => {
    const { peer, tunnel } = await dueHost("asks twice");
    const lost = await renewed(tunnel);
    const next = await renewed(tunnel);
    expect([...(await standing(peer))].toSorted()).toEqual([peer.fingerprint, next].toSorted());
    await expect.poll(() => entriesOf("certificate.revoked", peer)).toEqual([lost]);
    expect(await refusal(peer, { certFingerprintSHA256: lost })).toBe("certificate_replaced");
  });

  it("is followed by none while the ledger cannot be written, and by one afterwards", async () => {
    const { peer, tunnel } = await dueHost("ledgerless renewal");
    await env.DB.exec(
      "CREATE TRIGGER full BEFORE INSERT ON ledger WHEN NEW.body LIKE '%certificate.issued%' BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    expect(await refusedWith(tunnel, await requestOf(tunnel))).toBe("ledger");
    expect(await standing(peer)).toEqual([peer.fingerprint]);
    await env.DB.exec("DROP TRIGGER full");
    const next = await renewed(tunnel);
    expect([...(await standing(peer))].toSorted()).toEqual([peer.fingerprint, next].toSorted());
  });
});

describe("a request for a certificate", () => {
  it("is refused before two thirds of a life, a few times; then it is too often", async () => {
    const { tunnel } = await admittedTo(town, "impatient");
    for (let i = 0; i < MAX_CERTIFICATE_REQUESTS_PER_HOUR; i += 1)
      expect(await refusedWith(tunnel, await requestOf(tunnel))).toBe("not_due");
    expect(await refusedWith(tunnel, await requestOf(tunnel))).toBe("too_often");
  });

  it("is refused for a host that nobody admitted", async () => {
    const peer = await HostPeer.at(edge, "waits", town.workspace);
    await peer.join();
    const tunnel = await peer.open();
    await makeDue(peer);
    expect(await refusedWith(tunnel, await requestOf(tunnel))).toBe("not_admitted");
    expect(await entriesOf("certificate.issued", peer)).toEqual([peer.fingerprint]);
  });

  it("is refused for what is no request for a P-256 key, and for a key that had a certificate", async () => {
    const { tunnel } = await dueHost("odd keys");
    const csr = await makeCsr();
    expect(await refusedWith(tunnel, await requestOf(tunnel, { csr: await makeCsr("P-384") }))).toBe("request");
    const bent = await makeCsr();
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1;
    expect(await refusedWith(tunnel, await requestOf(tunnel, { csr: bent }))).toBe("request");
    await renewed(tunnel, { csr });
    expect(await refusedWith(tunnel, await requestOf(tunnel, { csr }))).toBe("repeated");
  });

  it("of another key, host, workspace or tunnel, or signed as something else, costs the tunnel", async () => {
    const { peer, tunnel: first } = await dueHost("bent requests");
    first.socket.close(1000);
    const other = await admittedTo(town, "another host");
    const bends: readonly Bend[] = [
      { signer: await signerOf("stranger") },
      { signer: other.peer.key },
      { change: { host: other.peer.host } },
      { change: { workspace: fresh() } },
      { change: { tunnel: fresh() } },
      { change: { v: 2 } },
      { kind: "hello" },
    ];
    for (const bend of bends) {
      const tunnel = await come(peer);
      tunnel.say(await requestOf(tunnel, bend));
      expect(await tunnel.closed()).toBe(1008);
    }
    expect(await standing(peer)).toEqual([peer.fingerprint]);
  });

  it("recorded on an earlier tunnel, or sent before the handshake, costs the tunnel", async () => {
    const { peer, tunnel } = await dueHost("replayed");
    const recorded = await requestOf(tunnel);
    tunnel.socket.close(1000);
    const second = await come(peer);
    second.say(recorded);
    expect(await second.closed()).toBe(1008);
    const third = await peer.connect();
    await third.next("challenge");
    third.say(await requestOf(third));
    expect(await third.closed()).toBe(1008);
    expect(await standing(peer)).toEqual([peer.fingerprint]);
  });

  it("on a tunnel whose certificate was taken away gets none, and the tunnel ends", async () => {
    const { peer, tunnel } = await dueHost("taken away");
    await env.DB.prepare("UPDATE certificates SET revoked_at = ? WHERE host = ?").bind(now(), peer.host).run();
    tunnel.say(await requestOf(tunnel));
    expect(await tunnel.closed()).toBe(4003);
    expect(await entriesOf("certificate.issued", peer)).toEqual([peer.fingerprint]);
  });
});

describe("a host that is removed", () => {
  it("loses both certificates at once, each with an entry, and its tunnel", async () => {
    const { peer, tunnel } = await dueHost("removed while it renews");
    const next = await renewed(tunnel);
    expect((await town.state("host.remove", { host: peer.host })).status).toBe(200);
    expect(await tunnel.closed()).toBe(4003);
    expect(await standing(peer)).toEqual([]);
    expect([...(await entriesOf("certificate.revoked", peer))].toSorted()).toEqual([peer.fingerprint, next].toSorted());
    for (const certFingerprintSHA256 of [peer.fingerprint, next])
      expect(await refusal(peer, { certFingerprintSHA256 })).toBe("host_removed");
  });
});

describe("an address that takes no client certificates", () => {
  const TLS = { certPresented: "1", certVerified: "SUCCESS", certRevoked: "0" };

  async function codeAt(address: string, init: Fields): Promise<unknown> {
    return (await replyOf(await send("agent", new Request(address, init as RequestInit)))).code;
  }

  it("lets no host in, and says why, whatever the runtime claims of a certificate", async () => {
    const peer = await HostPeer.at(edge, "at workers.dev", town.workspace);
    await peer.join();
    const cf = { tlsClientAuth: { ...TLS, certFingerprintSHA256: peer.fingerprint } };
    const at = (name: string) => `https://clawhold.somebody.workers.dev${name}`;
    expect(await codeAt(at("/health"), { cf })).toBe("certificate_unavailable");
    expect(await codeAt(at("/tunnel"), { cf, headers: { upgrade: "websocket" } })).toBe("certificate_unavailable");
    expect(await codeAt(at("/join"), { cf, method: "POST", body: "{}" })).toBe("certificate_unavailable");
    const bare = "https://agents.test:4471";
    expect(await codeAt(`${bare}/health`, {})).toBe("certificate_unavailable");
    expect(await codeAt(`${bare}/join`, { method: "POST", body: "{}" })).toBe("certificate_unavailable");
    expect(await codeAt(`${bare}/health`, { cf })).toBeUndefined();
  });

  it("a certificate is judged at each request: its end, its beginning, and its being taken away", async () => {
    const peer = await HostPeer.at(edge, "each request", town.workspace);
    await peer.join();
    expect(await refusal(peer, { certVerified: "FAILED:certificate has expired" })).toBe("certificate_expired");
    expect(await refusal(peer, { certVerified: "FAILED:certificate is not yet valid" })).toBe("certificate_early");
    const cf = { tlsClientAuth: { ...TLS, certFingerprintSHA256: peer.fingerprint } };
    const health = () => codeAt("https://agents.test:4471/health", { cf });
    expect(await health()).toBeUndefined();
    await env.DB.prepare("UPDATE certificates SET revoked_at = ? WHERE host = ?").bind(now(), peer.host).run();
    expect(await health()).toBe("certificate_revoked");
  });
});

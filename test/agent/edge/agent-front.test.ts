import "reflect-metadata";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExtendedKeyUsage } from "@peculiar/x509";
import WebSocket from "ws";
import { JOINS_PER_MINUTE } from "../../../agent/edge/agent-front.ts";
import { makeAuthority } from "../../../agent/edge/certificates.ts";
import type { KeyPair } from "../../../agent/edge/certificates.ts";
import { SECURITY_HEADERS } from "../../../agent/edge/headers.ts";
import type { EdgeKeys } from "../../../agent/edge/keys.ts";
import type { ClientCertificate } from "./fixtures/client-certificates.ts";
import { issueClient } from "./fixtures/client-certificates.ts";
import type { Answer, Ask, TestEdge } from "./fixtures/harness.ts";
import { ask, startTestEdge } from "./fixtures/harness.ts";

let running: TestEdge;
let authority: KeyPair;
let good: ClientCertificate;
let now = new Date();

beforeAll(async () => {
  running = await startTestEdge({ now: () => now });
  const keys: EdgeKeys = JSON.parse(readFileSync(join(running.dataDir, "keys", "edge.json"), "utf8"));
  authority = keys.agentAuthority;
  good = await issueClient(authority, { name: "CN=höst-1,O=Claw" });
});
afterAll(() => running.stop());

const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

const call = (path: string, tls: Ask["tls"] & object, more: Partial<Ask> = {}): Promise<Answer> =>
  ask({ port: running.agentPort, path, tls, ...more });

describe("a client without a valid certificate", () => {
  const refused: readonly (readonly [string, () => Promise<Partial<ClientCertificate>>, string])[] = [
    ["with none", () => Promise.resolve({}), "certificate_missing"],
    [
      "with one of a foreign authority of the same name",
      async () => issueClient(await makeAuthority("clawhold agent authority", new Date())),
      "certificate_untrusted",
    ],
    [
      "with one of the edge's other authority",
      async () => {
        const keys: EdgeKeys = JSON.parse(readFileSync(join(running.dataDir, "keys", "edge.json"), "utf8"));
        return issueClient(keys.edgeAuthority);
      },
      "certificate_untrusted",
    ],
    [
      "with a foreign one that is expired too",
      async () =>
        issueClient(await makeAuthority("clawhold agent authority", new Date()), {
          notBefore: new Date(Date.now() - 2e9),
          notAfter: new Date(Date.now() - 1e6),
        }),
      "certificate_untrusted",
    ],
    [
      "with an expired one",
      () => issueClient(authority, { notBefore: new Date(Date.now() - 2e9), notAfter: new Date(Date.now() - 1e6) }),
      "certificate_expired",
    ],
    [
      "with one that is not valid yet",
      () => issueClient(authority, { notBefore: new Date(Date.now() + 1e7), notAfter: new Date(Date.now() + 2e9) }),
      "certificate_early",
    ],
    [
      "with one made for servers",
      () => issueClient(authority, { usage: ExtendedKeyUsage.serverAuth }),
      "certificate_untrusted",
    ],
  ];

  it.each(refused)("%s is told so and not forwarded", async (_what, make, code) => {
    const { key, cert } = await make();
    const tls = key === undefined || cert === undefined ? {} : { key, cert };
    for (const [path, headers] of [
      ["/health", {}],
      ["/tunnel", UPGRADE],
      ["/api/echo", {}],
    ] as const) {
      const answer = await call(path, tls, { headers });
      expect(answer.status).toBe(403);
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      expect(answer.headers).toMatchObject(SECURITY_HEADERS);
      expect(JSON.parse(answer.text)).toMatchObject({ code, detail: expect.stringContaining("clawhold join") });
    }
  });

  it("is refused as expired when the certificate runs out while the connection stays", async () => {
    now = new Date(Date.now() + 2 * 86_400_000);
    try {
      expect(JSON.parse((await call("/health", good)).text).code).toBe("certificate_expired");
    } finally {
      now = new Date();
    }
  });
});

describe("a client with a certificate", () => {
  it("reaches /health", async () => {
    expect(await call("/health", good)).toMatchObject({ status: 200, text: '{"ok":true}' });
  });

  it("gets a tunnel that echoes", async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${running.agentPort}/tunnel`, {
      ...good,
      ca: running.edge.edgeCaCertificate,
      minVersion: "TLSv1.3",
    });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const echoed = new Promise((resolve) => socket.once("message", (data: Buffer) => resolve(data.toString())));
    socket.send("over TLS");
    expect(await echoed).toBe("over TLS");
    socket.terminate();
  });

  it.each(["/", "/api/echo", "/tunnel", "/tunnel/x", "/admin"])("finds nothing at %s", async (path) => {
    expect((await call(path, good)).status).toBe(404);
  });
});

describe("joining", () => {
  it("passes without a certificate, whatever is presented, and says so to the Worker", async () => {
    for (const tls of [{}, good]) {
      const answer = await call("/join", tls, {
        method: "POST",
        body: "{}",
        headers: { "cf-blob": '{"clientIp":"6.6.6.6"}' },
      });
      expect(JSON.parse(answer.text)).toMatchObject({
        via: "agent",
        body: "{}",
        cf: { clientIp: "127.0.0.1", tlsClientAuth: { certPresented: "0", certVerified: "NONE" } },
      });
    }
  });

  it("is slowed down", async () => {
    const statuses: number[] = [];
    for (let index = 0; index <= JOINS_PER_MINUTE; index += 1) {
      statuses.push((await call("/join", {}, { method: "POST", body: "{}" })).status);
    }
    expect(statuses.at(-1)).toBe(429);
    const { headers } = await call("/join", {}, { method: "POST", body: "{}" });
    expect(headers["retry-after"]).toMatch(/^[1-6]$/);
    expect(headers["ratelimit-policy"]).toBe('"join";q=10;w=60');
    expect(headers["ratelimit"]).toBe(`"join";r=0;t=${headers["retry-after"]}`);
  });
});

describe("the TLS layer", () => {
  it("refuses TLS 1.2", async () => {
    await expect(call("/health", { ...good, maxVersion: "TLSv1.2" })).rejects.toThrow(/alert protocol version/);
  });

  it("offers no session to resume", async () => {
    const open = (session?: Buffer): Promise<TLSSocket> =>
      new Promise((resolve, reject) => {
        const socket = connect(
          {
            port: running.agentPort,
            host: "127.0.0.1",
            rejectUnauthorized: false,
            key: good.key,
            cert: good.cert,
            ...(session && { session }),
          },
          () => resolve(socket),
        );
        socket.on("error", reject);
      });
    const first = await open();
    const sessions: Buffer[] = [];
    first.on("session", (session) => sessions.push(session));
    await new Promise((resolve) => {
      first.once("data", resolve);
      first.write("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
    });
    const kept = sessions.at(-1);
    first.destroy();
    const second = await open(kept);
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });

  it("proves itself with the authority that agents pin, for its addresses", async () => {
    const socket = connect({
      port: running.agentPort,
      host: "127.0.0.1",
      ca: running.edge.edgeCaCertificate,
      minVersion: "TLSv1.3",
    });
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerX509Certificate()?.checkIP("127.0.0.1")).toBe("127.0.0.1");
    socket.destroy();
  });
});

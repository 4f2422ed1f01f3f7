import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createAgentFront } from "../../../../agent/edge/agent-front.ts";
import {
  BrowserGate,
  browserAuthority,
  fingerprintOf,
  writeBrowserCertificates,
  type BrowserCertificate,
} from "../../../../agent/edge/bind/browser-certificates.ts";
import { ownCertificate } from "../../../../agent/edge/bind/dashboard-certificate.ts";
import { createNamedFront, replacePair } from "../../../../agent/edge/bind/named-front.ts";
import {
  BROWSER_SECONDS,
  makeAuthority,
  makeBrowserCertificate,
  makeServerCertificate,
  type KeyPair,
} from "../../../../agent/edge/certificates.ts";
import { SECURITY_HEADERS } from "../../../../agent/edge/headers.ts";
import { trackConnections } from "../../../../agent/edge/loopback.ts";
import { readStaticFiles } from "../../../../agent/edge/static-files.ts";
import { issueClient } from "../fixtures/client-certificates.ts";
import { ask, eventually, makeDirectory, writeWebBundle, type Answer, type Ask } from "../fixtures/harness.ts";

const NAME = "edge.example.ts.net";
const HSTS = "max-age=31536000";

let directory: ReturnType<typeof makeDirectory>;
let pair: KeyPair;
let authority: KeyPair;
let gated: Listening;
let open: Listening;
let agents: Listening;
let now: Date;
let ada: KeyPair;

interface Listening {
  readonly server: Server;
  readonly port: number;
  close(): Promise<void>;
}

async function listening(server: Server): Promise<Listening> {
  const close = trackConnections(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port, close };
}

async function dashboard(gate: BrowserGate | undefined): Promise<Listening> {
  let port = 0;
  const web = {
    files: readStaticFiles(writeWebBundle(directory.path)),
    host: () => `${NAME}:${port}`,
    api: {
      request: ({ response }: { response: ServerResponse }) => void response.end("api"),
      upgrade: ({ socket }: { socket: Duplex }) =>
        void socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n"),
    },
  };
  const taken = await listening(createNamedFront({ web, pair, gate }));
  ({ port } = taken);
  return taken;
}

beforeAll(async () => {
  now = new Date();
  directory = makeDirectory();
  ({ pair } = await ownCertificate(directory.path, NAME, now));
  authority = await browserAuthority(directory.path, now);
  ada = await makeBrowserCertificate(authority, "Ada's laptop", now);
  gated = await dashboard(new BrowserGate(directory.path, authority.certificate, () => now));
  open = await dashboard(undefined);
  const agentAuthority = await makeAuthority("agents", now);
  const certificate = await makeServerCertificate(await makeAuthority("edge", now), [NAME], now);
  agents = await listening(
    createAgentFront({
      certificate,
      clientAuthority: agentAuthority.certificate,
      now: () => now,
      upstream: () => undefined,
    }),
  );
  agentPair = await issueClient(agentAuthority);
});
let agentPair: { readonly key: string; readonly cert: string };

afterAll(async () => {
  await Promise.all([gated, open, agents].map((one) => one.close()));
  directory.remove();
});

beforeEach(() => {
  now = new Date();
  list([entry(ada)]);
});

function entry({ certificate }: KeyPair, more: Partial<BrowserCertificate> = {}): BrowserCertificate {
  const fingerprint = fingerprintOf(new X509Certificate(certificate));
  return { fingerprint, label: "Ada's laptop", issued: 1, ends: 2, ...more };
}

const list = (entries: readonly BrowserCertificate[]) => writeBrowserCertificates(directory.path, entries);
const shown = ({ key, certificate }: KeyPair) => ({ key, cert: certificate });

function get(at: Listening, path: string, more: Partial<Ask> = {}): Promise<Answer> {
  const { headers, ...rest } = more;
  return ask({ port: at.port, path, tls: {}, headers: { host: `${NAME}:${at.port}`, ...headers }, ...rest });
}
const codeOf = ({ text }: Answer): unknown => (JSON.parse(text) as { code: unknown }).code;

describe("the dashboard under a name", () => {
  it("serves pages and the API, with strict transport on every answer", async () => {
    for (const [path, status] of [
      ["/", 200],
      ["/api/x", 200],
      ["/missing.js", 404],
    ] as const) {
      const answer = await get(open, path);
      expect([answer.status, answer.headers["strict-transport-security"]]).toEqual([status, HSTS]);
    }
    expect((await get(open, "/")).headers).toMatchObject(SECURITY_HEADERS);
    const socket = await get(open, "/nowhere", { headers: { connection: "Upgrade", upgrade: "websocket" } });
    expect([socket.status, socket.headers["strict-transport-security"]]).toEqual([404, HSTS]);
  });

  it.each(["clawhold.localhost", "127.0.0.1", "other.example.ts.net"])("answers to no other: %s", async (host) => {
    const answer = await get(open, "/", { headers: { host: `${host}:${open.port}` } });
    expect([answer.status, codeOf(answer)]).toEqual([421, "wrong_address"]);
    expect(answer.text).toContain(`https://${NAME}:${open.port}/`);
  });

  it("does not answer what only the signer's own machine knows", async () => {
    const answer = await get(open, "/signer/memory", { headers: { "clawhold-memory": "1" } });
    expect(answer.status).toBe(404);
  });

  it("speaks no TLS before 1.3", async () => {
    await expect(get(open, "/", { tls: { maxVersion: "TLSv1.2" } })).rejects.toThrow();
  });

  it("takes a renewed certificate without dropping who is there", async () => {
    const options = { port: open.port, host: "127.0.0.1", servername: NAME, rejectUnauthorized: false };
    const before = connect(options);
    await once(before, "secureConnect");
    const made = await makeServerCertificate(await makeAuthority("new", now), [NAME], now);
    replacePair(open.server, made, undefined);
    const after = connect(options);
    await once(after, "secureConnect");
    const fingerprintAt = (socket: TLSSocket) => socket.getPeerCertificate().fingerprint256;
    expect(fingerprintAt(after)).toBe(new X509Certificate(made.certificate).fingerprint256);
    expect(fingerprintAt(before)).not.toBe(fingerprintAt(after));
    before.write(`GET / HTTP/1.1\r\nhost: ${NAME}:${open.port}\r\nconnection: close\r\n\r\n`);
    const [data] = (await once(before, "data")) as [Buffer];
    expect(data.toString()).toContain("HTTP/1.1 200");
    after.destroy();
  });
});

describe("a browser's certificate", () => {
  it("opens the dashboard", async () => {
    expect((await get(gated, "/", { tls: shown(ada) })).status).toBe(200);
    expect((await get(gated, "/api/x", { tls: shown(ada) })).text).toBe("api");
  });

  it.each(["/", "/app.js", "/api/x", "/missing"])("is asked for at %s, with one sentence", async (path) => {
    const answer = await get(gated, path);
    expect([answer.status, codeOf(answer)]).toEqual([403, "browser_certificate_missing"]);
    expect(answer.text).toContain("clawhold up browser-certificate");
    expect(answer.headers).toMatchObject({ ...SECURITY_HEADERS, "strict-transport-security": HSTS });
  });

  it("is asked for on sockets too, and a person gets a page", async () => {
    const socket = await get(gated, "/api/live", { headers: { connection: "Upgrade", upgrade: "websocket" } });
    expect([socket.status, codeOf(socket)]).toEqual([403, "browser_certificate_missing"]);
    const page = await get(gated, "/", { headers: { "sec-fetch-mode": "navigate" } });
    expect([page.status, page.headers["content-type"]]).toEqual([403, "text/html; charset=utf-8"]);
    expect(page.text).toContain("clawhold up browser-certificate");
  });

  it("counts only while it is on the list, asked at each request", async () => {
    const tls = connect({ port: gated.port, host: "127.0.0.1", ...shown(ada), rejectUnauthorized: false });
    await once(tls, "secureConnect");
    const request = () => tls.write(`GET /app.js HTTP/1.1\r\nhost: ${NAME}:${gated.port}\r\n\r\n`);
    request();
    expect(String((await once(tls, "data"))[0])).toContain("HTTP/1.1 200");
    list([entry(ada, { revoked: 3 })]);
    request();
    expect(String((await once(tls, "data"))[0])).toContain("browser_certificate_revoked");
    tls.destroy();
    list([]);
    expect(codeOf(await get(gated, "/", { tls: shown(ada) }))).toBe("browser_certificate_untrusted");
  });

  it("that is revoked ends the sockets that it opened", async () => {
    const tls = connect({ port: gated.port, host: "127.0.0.1", ...shown(ada), rejectUnauthorized: false });
    await once(tls, "secureConnect");
    tls.write(
      `GET /api/live HTTP/1.1\r\nhost: ${NAME}:${gated.port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`,
    );
    expect(String((await once(tls, "data"))[0])).toContain("101");
    let isClosed = false;
    tls.once("close", () => {
      isClosed = true;
    });
    list([entry(ada, { revoked: 3 })]);
    await eventually(() => isClosed);
  });

  it("has an end", async () => {
    now = new Date(Date.now() + (BROWSER_SECONDS + 60) * 1_000);
    expect(codeOf(await get(gated, "/", { tls: shown(ada) }))).toBe("browser_certificate_expired");
  });

  it("lets nobody in when the list cannot be read", async () => {
    writeFileSync(`${directory.path}/browser-certificates.json`, "{");
    expect(codeOf(await get(gated, "/", { tls: shown(ada) }))).toBe("browser_certificate_untrusted");
  });

  it("is not an agent's, though that one is on the list, nor one that names our authority", async () => {
    const { key, cert } = agentPair;
    list([entry(ada), { ...entry(ada), fingerprint: fingerprintOf(new X509Certificate(cert)) }]);
    expect(codeOf(await get(gated, "/", { tls: { key, cert } }))).toBe("browser_certificate_untrusted");
    const forged = await makeBrowserCertificate(
      { ...(await makeAuthority("clawhold browser authority", now)) },
      "x",
      now,
    );
    list([entry(forged)]);
    expect(codeOf(await get(gated, "/", { tls: shown(forged) }))).toBe("browser_certificate_untrusted");
  });

  it("opens no agent's door", async () => {
    const answer = await get(agents, "/health", { tls: shown(ada) });
    expect([answer.status, codeOf(answer)]).toEqual([403, "certificate_untrusted"]);
  });
});

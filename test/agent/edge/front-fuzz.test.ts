/**
 * The agents' listener against requests that no library writes: bytes over real TLS with a good client certificate, so that
 * nothing but the reading of HTTP stands between them and the runtime. What reaches the runtime is only what may.
 */
import "reflect-metadata";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAgentFront } from "../../../agent/edge/agent-front.ts";
import { makeAuthority, makeServerCertificate } from "../../../agent/edge/certificates.ts";
import { closeUpstream, openUpstream, type Upstream } from "../../../agent/edge/forward.ts";
import { CF_BLOB_HEADER } from "../../../agent/edge/workerd-config.ts";
import { MAX_BODY_BYTES } from "../../../protocol/limits.ts";
import { fuzzRun } from "../../fixtures/fuzz.ts";
import { issueClient, type ClientCertificate } from "./fixtures/client-certificates.ts";
import { ask, makeDirectory } from "./fixtures/harness.ts";

let front: TlsServer;
let behind: Server;
let upstream: Upstream;
let client: ClientCertificate;
let port: number;
let arrived: IncomingMessage[] = [];
const directory = makeDirectory();

beforeAll(async () => {
  const [agents, edge] = [await makeAuthority("agents", new Date()), await makeAuthority("edge", new Date())];
  client = await issueClient(agents, { notAfter: new Date(Date.now() + 50 * 365 * 86_400_000) });
  behind = createServer((request, response) => {
    arrived.push(request);
    request.resume();
    request.on("end", () => response.end("{}"));
    request.on("error", () => response.destroy());
  });
  behind.on("upgrade", (request, socket) => {
    arrived.push(request);
    socket.on("error", () => socket.destroy()); // the client has left already
    socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
  });
  const socketPath = join(directory.path, "up.sock");
  await new Promise<void>((resolve) => behind.listen(socketPath, resolve));
  upstream = openUpstream(socketPath);
  front = createAgentFront({
    certificate: await makeServerCertificate(edge, ["127.0.0.1"], new Date()),
    clientAuthority: agents.certificate,
    upstream: () => upstream,
    // A clock that runs: the bound on joins is not what is tried here.
    now: () => new Date(Date.now() + (minutes += 60_000)),
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  port = (front.address() as AddressInfo).port;
});
let minutes = 0;
afterAll(async () => {
  front.closeAllConnections();
  behind.closeAllConnections();
  await Promise.all([front, behind].map((server) => new Promise((resolve) => server.close(resolve))));
  closeUpstream(upstream);
  directory.remove();
});

/** A request that is not whole is never answered: after a moment without an answer the client hangs up. */
const PATIENCE_MILLISECONDS = 15;

/** Writes bytes, says no more, and returns all that was answered. */
function exchange(bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const { key, cert } = client;
    const socket = connect({ host: "127.0.0.1", port, key, cert, rejectUnauthorized: false });
    const parts: Buffer[] = [];
    const over = (): void => resolve(Buffer.concat(parts).toString("latin1"));
    socket.on("secureConnect", () => {
      socket.write(bytes);
      setTimeout(() => socket.end(), PATIENCE_MILLISECONDS);
    });
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      socket.end();
    });
    socket.on("close", over);
    socket.on("error", (error: NodeJS.ErrnoException) =>
      // The front hangs up on what it will not read to the end.
      error.code === "ECONNRESET" || error.code === "EPIPE" ? over() : reject(error),
    );
  });
}

const UPGRADE = [
  "GET /tunnel HTTP/1.1",
  "host: edge",
  "connection: Upgrade",
  "upgrade: websocket",
  "sec-websocket-version: 13",
  "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
];
const JOIN = ["POST /join HTTP/1.1", "host: edge", "content-length: 2"];
const HEALTH = ["GET /health HTTP/1.1", "host: edge", "connection: close"];

const line = fc.oneof(
  fc.constantFrom(
    "transfer-encoding: chunked",
    "transfer-encoding: identity",
    "Transfer-Encoding : chunked",
    "content-length: 0",
    "content-length: 99999999",
    "content-length: -1",
    "content-length: 2, 2",
    "content-length: +2",
    "content-length: 0x2",
    "host: elsewhere",
    "connection: keep-alive, clawhold-socket",
    "connection: close",
    "expect: 100-continue",
    "upgrade: h2c",
    "clawhold-socket: {}",
    `${CF_BLOB_HEADER}: {"clientIp":"1.2.3.4","tlsClientAuth":{"certVerified":"SUCCESS"}}`,
    "cf-connecting-ip: 1.2.3.4",
    "x-forwarded-for: 1.2.3.4",
    " folded: line",
    ": nameless",
    "name with blanks: 1",
    "tab\t: 1",
    "nul: \0",
    "bare-cr: a\rb",
    "long: ".padEnd(20_000, "x"),
  ),
  fc.string({ unit: "binary", maxLength: 30 }),
);
const requestLine = fc.constantFrom(
  "GET /tunnel HTTP/1.1",
  "GET //tunnel HTTP/1.1",
  "GET /tunnel?x=1 HTTP/1.1",
  "GET /tunnel HTTP/1.0",
  "GET /tunnel HTTP/2.0",
  "POST /tunnel HTTP/1.1",
  "CONNECT edge:443 HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "GET http://elsewhere/tunnel HTTP/1.1",
  "GET /admin/join-token HTTP/1.1",
  "POST /join/../admin/join-token HTTP/1.1",
  "TRACE /health HTTP/1.1",
  "GET /health",
  "PRI * HTTP/2.0",
);

/** Real requests with lines put in, lost and exchanged; sometimes two, one right after the other. */
const grammatical = fc
  .tuple(
    fc.constantFrom(UPGRADE, JOIN, HEALTH),
    fc.option(requestLine, { nil: undefined, freq: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.boolean(), line), { maxLength: 3 }),
    fc.constantFrom("", "{}", "{}GET /admin/join-token HTTP/1.1\r\nhost: edge\r\n\r\n", "0\r\n\r\n", "\r\n"),
    fc.constantFrom("\r\n", "\r\n", "\r\n", "\n"),
  )
  .map(([whole, first, edits, body, end]) => {
    let lines: readonly string[] = first === undefined ? whole : [first, ...whole.slice(1)];
    for (const [position, isReplaced, text] of edits) {
      const at = 1 + (position % lines.length);
      lines = [...lines.slice(0, at), text, ...lines.slice(isReplaced ? at + 1 : at)];
    }
    return Buffer.from(`${lines.join(end)}${end}${end}${body}`, "latin1");
  });
const mutant = fc
  .tuple(
    fc.constantFrom(UPGRADE, JOIN, HEALTH),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
  )
  .map(([lines, edits]) => {
    const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n{}`, "latin1");
    for (const [at, value] of edits) bytes[at % bytes.length] = value;
    return bytes;
  });
const anything = fc.oneof(
  { weight: 5, arbitrary: grammatical },
  { weight: 3, arbitrary: mutant },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)) },
);

function expectAllowed(request: IncomingMessage): void {
  const path = (request.url ?? "").split("?")[0];
  expect(["GET /tunnel", "GET /health", "POST /join"]).toContain(`${request.method ?? ""} ${path ?? ""}`);
  const named = (name: string): readonly (string | undefined)[] =>
    request.rawHeaders.filter((_, i) => i % 2 === 1 && request.rawHeaders[i - 1]?.toLowerCase() === name);
  // Who asks, and from where, is the front's word alone.
  expect(named(CF_BLOB_HEADER)).toHaveLength(1);
  const cf = JSON.parse(String(request.headers[CF_BLOB_HEADER])) as { clientIp: string };
  expect(cf.clientIp).toBe("127.0.0.1");
  expect(named("cf-connecting-ip")).toEqual(["127.0.0.1"]);
  expect(named("x-forwarded-for")).toEqual([]);
  // The front's own way of sending a body of no declared length, which is none.
  if (named("content-length").length > 0) expect(named("transfer-encoding")).toEqual([]);
  else expect(["", "chunked"]).toContain(named("transfer-encoding").join());
  expect(Number(request.headers["content-length"] ?? "0")).toBeLessThanOrEqual(MAX_BODY_BYTES);
}

describe("the agents' listener", () => {
  const { parameters, timeoutMilliseconds } = fuzzRun(250);

  it(
    "hands on nothing but what may be asked, in the front's own words, and answers the rest in HTTP",
    async () => {
      let handedOn = 0;
      await fc.assert(
        fc.asyncProperty(anything, async (bytes) => {
          arrived = [];
          const answer = await exchange(bytes);
          if (answer !== "") expect(answer).toMatch(/^HTTP\/1\.1 [1-5]\d\d /);
          for (const request of arrived) expectAllowed(request);
          // A body that looks like another request is a body, or the end of the connection.
          expect(arrived.some(({ url }) => url?.includes("admin"))).toBe(false);
          handedOn += arrived.length;
        }),
        parameters as object,
      );
      expect(handedOn).toBeGreaterThan(0);
    },
    timeoutMilliseconds,
  );

  it("still serves whoever asks properly", async () => {
    arrived = [];
    const { key, cert } = client;
    expect((await ask({ port, path: "/health", tls: { key, cert } })).status).toBe(200);
    expect(arrived).toHaveLength(1);
  });
});

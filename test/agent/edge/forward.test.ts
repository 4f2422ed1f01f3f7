import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Upstream } from "../../../agent/edge/forward.ts";
import { closeUpstream, forwardRequest, forwardUpgrade, openUpstream } from "../../../agent/edge/forward.ts";
import { SECURITY_HEADERS } from "../../../agent/edge/headers.ts";
import { ask, makeDirectory } from "./fixtures/harness.ts";

let directory: ReturnType<typeof makeDirectory>;
let behind: Server;
let front: Server;
let port: number;
let upstream: Upstream | undefined;
let clientIp = "127.0.0.1";

beforeEach(async () => {
  directory = makeDirectory();
  const socketPath = join(directory.path, "up.sock");
  behind = createServer();
  await new Promise<void>((resolve) => behind.listen(socketPath, resolve));
  upstream = openUpstream(socketPath);
  front = createServer((request, response) => forwardRequest(upstream, { request, response }, { clientIp }));
  front.on("upgrade", (request, socket, head) => forwardUpgrade(upstream, { request, socket, head }, { clientIp }));
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  port = (front.address() as AddressInfo).port;
});
afterEach(() => {
  for (const server of [front, behind]) {
    server.close();
    server.closeAllConnections();
  }
  if (upstream !== undefined) closeUpstream(upstream);
  directory.remove();
});

const onRequest = (handle: (request: IncomingMessage, response: ServerResponse) => void): void =>
  void behind.on("request", handle);
const UPGRADE = { connection: "Upgrade", upgrade: "websocket" };

describe("forwarding", () => {
  it("abandons upstream what the client abandons before an answer", async () => {
    const abandoned = new Promise((resolve) =>
      onRequest((request, response) => response.on("close", () => resolve(request.url))),
    );
    const request = httpRequest({ host: "127.0.0.1", port, path: "/api/x", agent: false });
    request.on("error", () => undefined);
    request.end();
    await new Promise((resolve) => behind.once("request", resolve));
    request.destroy();
    expect(await abandoned).toBe("/api/x");
  });

  it("asks once more when a resting connection is closed as it is taken up again", async () => {
    const onSocket = new Map<object, number>();
    const asked: string[] = [];
    onRequest((request, response) => {
      const before = onSocket.get(request.socket) ?? 0;
      onSocket.set(request.socket, before + 1);
      asked.push(request.url ?? "");
      if (before > 0) request.socket.destroy();
      else response.end("answer");
    });
    expect((await ask({ port, path: "/api/first" })).text).toBe("answer");
    expect((await ask({ port, path: "/api/second" })).text).toBe("answer");
    expect(asked).toEqual(["/api/first", "/api/second", "/api/second"]);
  });

  it("sends what has a body once, over a connection that rested for a moment at most", async () => {
    const sockets = new Set<object>();
    onRequest((request, response) => {
      sockets.add(request.socket);
      request.resume();
      response.end("answer");
    });
    await ask({ port, path: "/api/first" });
    const post = { port, method: "POST", path: "/api/second", headers: { "content-length": "2" }, body: "{}" };
    expect((await ask(post)).text).toBe("answer");
    expect(sockets.size).toBe(2); // never over one that may have rested for long
    expect((await ask(post)).text).toBe("answer");
    expect(sockets.size).toBe(2);
    const resting = Object.values(upstream?.brief.freeSockets ?? {}).flatMap((free) => free ?? []);
    expect(resting.map(({ timeout }) => timeout)).toEqual([1_000]);
    for (const socket of resting) socket.emit("timeout");
    expect((await ask(post)).text).toBe("answer");
    expect(sockets.size).toBe(3);
    behind.removeAllListeners("request");
    let posts = 0;
    onRequest((request) => {
      posts += 1;
      request.socket.destroy();
    });
    expect((await ask(post)).status).toBe(503);
    expect(posts).toBe(1);
  });

  it("lets a connection go by which a body was refused: it may hold the rest of it", async () => {
    const sockets = new Set<object>();
    onRequest((request, response) => {
      sockets.add(request.socket);
      request.resume();
      response.statusCode = 404;
      response.end("{}");
    });
    const post = { port, method: "POST", path: "/api/none", headers: { "content-length": "2" }, body: "{}" };
    for (const _round of [1, 2]) expect((await ask(post)).status).toBe(404);
    expect(sockets.size).toBe(2);
  });

  it("streams an answer, and abandons it when the client goes", async () => {
    const abandoned = new Promise((resolve) =>
      onRequest((_request, response) => {
        response.on("close", resolve);
        response.write("first");
      }),
    );
    await new Promise<void>((resolve) => {
      const request = httpRequest({ host: "127.0.0.1", port, path: "/api/x", agent: false }, (response) => {
        response.on("error", () => undefined);
        response.once("data", (chunk: Buffer) => {
          expect(String(chunk)).toBe("first");
          request.destroy();
          resolve();
        });
      });
      request.on("error", () => undefined);
      request.end();
    });
    await abandoned;
  });

  it("passes a request's body on before it is complete", async () => {
    const first = new Promise((resolve) =>
      onRequest((request) => request.once("data", (chunk: Buffer) => resolve(String(chunk)))),
    );
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      path: "/",
      method: "POST",
      agent: false,
      headers: { "content-length": "100" },
    });
    request.on("error", () => undefined);
    request.write("part");
    expect(await first).toBe("part");
    request.destroy();
  });

  it("abandons upstream an upgrade that the client abandons", async () => {
    const abandoned = new Promise((resolve) =>
      behind.on("upgrade", (_request, socket) => socket.on("end", resolve).resume()),
    );
    const request = httpRequest({ host: "127.0.0.1", port, agent: false, headers: UPGRADE });
    request.on("error", () => undefined);
    request.end();
    await new Promise((resolve) => behind.once("upgrade", resolve));
    request.destroy();
    await abandoned;
  });

  it("cuts the answer off when the edge dies in the middle of it, and never ends it as if whole", async () => {
    onRequest((_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
      setImmediate(() => response.destroy());
    });
    await expect(ask({ port, path: "/" })).rejects.toThrow();
  });

  it.each([
    ["a request", {}],
    ["an upgrade", UPGRADE],
  ])("answers %s while the edge is down", async (_what, headers) => {
    behind.close();
    for (const state of ["gone", "not open"]) {
      if (state === "not open") upstream = undefined;
      const answer = await ask({ port, path: "/api/x", headers });
      expect(answer).toMatchObject({ status: 503, headers: { ...SECURITY_HEADERS, "retry-after": "1" } });
      expect(JSON.parse(answer.text).code).toBe("edge_restarting");
    }
  });

  it("escapes what a header cannot hold", async () => {
    clientIp = "höst\n\u007F";
    onRequest((request, response) => response.end(request.headers["cf-blob"]));
    try {
      // The address itself is always ASCII in life; the blob also carries names from certificates.
      front.removeAllListeners("request");
      front.on("request", (request, response) =>
        forwardRequest(
          upstream,
          { request, response },
          {
            clientIp: "::1",
            tlsClientAuth: { certPresented: "1", certVerified: "SUCCESS", certRevoked: "0", certSubjectDN: clientIp },
          },
        ),
      );
      const { text } = await ask({ port, path: "/" });
      expect(text).toMatch(/^[\x20-\x7e]+$/);
      expect(JSON.parse(text).tlsClientAuth.certSubjectDN).toBe(clientIp);
    } finally {
      clientIp = "127.0.0.1";
    }
  });
});

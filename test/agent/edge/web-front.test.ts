import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { API_CACHE_CONTROL, SECURITY_HEADERS } from "../../../agent/edge/headers.ts";
import { MAX_BODY_BYTES } from "../../../protocol/limits.ts";
import type { Answer, Ask, TestEdge } from "./fixtures/harness.ts";
import { ask, sendRaw, startTestEdge } from "./fixtures/harness.ts";

let running: TestEdge;
let host: string;
beforeAll(async () => {
  running = await startTestEdge();
  host = `clawhold.localhost:${running.port}`;
});
afterAll(() => running.stop());

const get = (path: string, more: Partial<Ask> = {}): Promise<Answer> => ask({ port: running.port, path, ...more });
const codeOf = ({ text }: Answer): unknown => JSON.parse(text).code;
const bodyOfRaw = (raw: string): string => raw.slice(raw.indexOf("\r\n\r\n") + 4);

describe("security headers", () => {
  const cases: readonly (readonly [string, number, Partial<Ask>])[] = [
    ["/", 200, {}],
    ["/app.js", 200, {}],
    ["/hosts/one", 200, { headers: { "sec-fetch-mode": "navigate" } }],
    ["/missing.js", 404, {}],
    ["/", 405, { method: "POST", body: "x" }],
    ["/", 421, { headers: { host: "evil.example" } }],
    ["/", 417, { headers: { expect: "200-maybe" } }],
    ["/api/echo", 200, {}],
    ["/api/unknown", 404, {}],
    ["/api/echo", 405, { method: "OPTIONS" }],
    ["/api/refused-socket", 401, { headers: { connection: "Upgrade", upgrade: "websocket" } }],
    ["/nowhere", 404, { headers: { connection: "Upgrade", upgrade: "websocket" } }],
  ];
  it.each(cases)("are on %s (%i)", async (path, status, more) => {
    const answer = await get(path, more);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(SECURITY_HEADERS);
  });

  it("are on a 304", async () => {
    const { etag = "" } = (await get("/app.js")).headers;
    const answer = await get("/app.js", { headers: { "if-none-match": `"other", W/${etag}` } });
    expect(answer).toMatchObject({ status: 304, text: "", headers: SECURITY_HEADERS });
  });

  it.each([
    ["nonsense\r\n\r\n", 400],
    [`GET / HTTP/1.1\r\nhost: x\r\nbig: ${"y".repeat(20_000)}\r\n\r\n`, 431],
    ["GET / HTTP/1.1\r\nconnection: close\r\n\r\n", 421],
  ])("are on an answer to malformed input %#", async (text, status) => {
    const raw = await sendRaw(running.port, text);
    expect(raw).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    for (const name of Object.keys(SECURITY_HEADERS)) expect(raw).toContain(`${name}: `);
  });

  it("replace what the Worker says about them, keep the rest, and forbid caching", async () => {
    const { headers } = await get("/api/echo");
    expect(headers["content-security-policy"]).toBe(SECURITY_HEADERS["content-security-policy"]);
    expect(headers["x-frame-options"]).toBe("DENY");
    expect(headers["cache-control"]).toBe(API_CACHE_CONTROL);
    expect(headers["set-cookie"]).toEqual(["a=b"]);
  });
});

describe("the name", () => {
  it("is answered on both loopback addresses", async () => {
    expect((await get("/")).status).toBe(200);
    expect((await get("/", { address: "::1" })).status).toBe(200);
  });

  it.each([
    "localhost",
    "127.0.0.1",
    "evil.example",
    "clawhold.localhost",
    "Clawhold.localhost",
    "clawhold.localhost.",
    "a.clawhold.localhost",
  ])("is not %s", async (name) => {
    const answer = await get("/", {
      headers: { host: name === "clawhold.localhost" ? name : `${name}:${running.port}` },
    });
    expect(answer.status).toBe(421);
    expect(JSON.parse(answer.text).detail).toContain(`http://${host}/`);
  });

  it("is shown as a page with the way on to a person who typed another", async () => {
    const { status, text, headers } = await get("/", {
      headers: { host: `127.0.0.1:${running.port}`, accept: "text/html" },
    });
    expect({ status, type: headers["content-type"] }).toEqual({ status: 421, type: "text/html; charset=utf-8" });
    expect(text).toContain(`<a href="http://${host}/">http://${host}/</a>`);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) expect(headers[name]).toBe(value);
  });

  it("is not given twice, and the address is not absolute", async () => {
    const twice = await sendRaw(running.port, `GET / HTTP/1.1\r\nhost: ${host}\r\nhost: evil.example\r\n\r\n`);
    expect(twice).toMatch(/^HTTP\/1.1 4(?:00|21) /);
    const absolute = await sendRaw(running.port, `GET http://evil.example/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    expect(absolute).toMatch(/^HTTP\/1.1 421 /);
  });

  it("is required for sockets too", async () => {
    const answer = await get("/api/socket", {
      headers: { host: "evil.example", connection: "Upgrade", upgrade: "websocket" },
    });
    expect(answer.status).toBe(421);
  });
});

describe("the bundle", () => {
  it("has types, strong ETags and the right cache rules", async () => {
    expect((await get("/app.js")).headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "no-cache",
      etag: expect.stringMatching(/^"[A-Za-z0-9_-]{43}"$/),
    });
    expect((await get("/assets/icon-ABCDEFG2.svg")).headers["cache-control"]).toContain("immutable");
  });

  it("answers HEAD without a body", async () => {
    expect(await get("/app.js", { method: "HEAD" })).toMatchObject({
      status: 200,
      text: "",
      headers: { "content-length": "11" },
    });
  });

  it("gives a page's address the index, but only to a navigation", async () => {
    const index = (await get("/")).text;
    expect((await get("/activity?x=1", { headers: { "sec-fetch-mode": "navigate" } })).text).toBe(index);
    expect((await get("/activity", { headers: { accept: "text/html" } })).text).toBe(index);
    expect((await get("/activity", { headers: { "sec-fetch-mode": "cors", accept: "text/html" } })).status).toBe(404);
    expect((await get("/activity.js", { headers: { "sec-fetch-mode": "navigate" } })).status).toBe(404);
  });

  it.each([
    "/../outside.txt",
    "/..%2foutside.txt",
    "/%2e%2e/outside.txt",
    "/assets/../../outside.txt",
    "//etc/passwd",
    "/.hidden",
    "/app.js/",
    "/app.js%00",
    "/__proto__",
    "/constructor",
  ])("gives nothing at %s", async (path) => {
    const raw = await sendRaw(running.port, `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    expect(raw).toMatch(/^HTTP\/1.1 404 /);
    expect(bodyOfRaw(raw)).not.toContain("secret");
  });
});

describe("forwarding", () => {
  it("keeps method, path, body and Host, and says through which door", async () => {
    const echoed = JSON.parse(
      (await get("/api/echo?q=1", { method: "POST", body: "hello", headers: { "x-own": "1" } })).text,
    );
    expect(echoed).toMatchObject({
      via: "web",
      method: "POST",
      url: `http://${host}/api/echo?q=1`,
      body: "hello",
      headers: { "x-own": "1", "cf-connecting-ip": "127.0.0.1" },
      cf: { clientIp: "127.0.0.1" },
    });
  });

  it("drops everything by which a client could pretend to be the front", async () => {
    const forged = JSON.stringify({ clientIp: "6.6.6.6", tlsClientAuth: { certVerified: "SUCCESS" } });
    const answer = await get("/api/echo", {
      headers: {
        "cf-blob": forged,
        "CF-Connecting-IP": "6.6.6.6",
        "MF-CF-Blob": forged,
        "mf-original-url": "http://evil.example/",
        "x-forwarded-for": "6.6.6.6",
        forwarded: "for=6.6.6.6",
        "x-real-ip": "6.6.6.6",
        "true-client-ip": "6.6.6.6",
        connection: "close, x-nominated",
        "x-nominated": "1",
      },
    });
    expect(answer.text).not.toContain("6.6.6.6");
    expect(answer.text).not.toContain("evil.example");
    const { headers, cf } = JSON.parse(answer.text);
    expect(cf).toEqual({ clientIp: "127.0.0.1" });
    expect(headers).not.toHaveProperty("x-nominated");
    expect(headers).not.toHaveProperty("cf-blob");
  });

  it("takes a body at the limit and refuses one over it", async () => {
    const at = await get("/api/echo", { method: "POST", body: "x".repeat(MAX_BODY_BYTES) });
    expect(JSON.parse(at.text).body).toHaveLength(MAX_BODY_BYTES);
    const over = await sendRaw(
      running.port,
      `POST /api/echo HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${MAX_BODY_BYTES + 1}\r\n\r\n`,
    );
    expect(over).toMatch(/^HTTP\/1.1 413 /);
    expect(over).toContain("body_too_large");
  });

  it.each([
    [
      "a body without a length",
      "POST /api/echo HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
      411,
    ],
    ["a body on GET", "GET /api/echo HTTP/1.1\r\nhost: HOST\r\ncontent-length: 1\r\n\r\nx", 400],
    [
      "two lengths",
      "POST /api/echo HTTP/1.1\r\nhost: HOST\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["the method TRACE", "TRACE /api/echo HTTP/1.1\r\nhost: HOST\r\n\r\n", 405],
  ])("refuses %s", async (_what, text, status) => {
    expect(await sendRaw(running.port, text.replace("HOST", host))).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it("does not forward what only looks like the API", async () => {
    for (const path of ["/api", "/apix/echo", "/health", "/tunnel", "/join"])
      expect((await get(path)).status).toBe(404);
  });

  it("carries sockets in both directions and closes them together", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${running.port}/api/socket`, { headers: { host } });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const echoed = new Promise((resolve) => socket.once("message", (data: Buffer) => resolve(data.toString())));
    socket.send("hello");
    expect(await echoed).toBe("hello");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.close(1000);
    expect(await closed).toBe(1000);
  });

  it("forwards an upgrade to nothing else than a WebSocket", async () => {
    const answer = await get("/api/socket", { headers: { connection: "Upgrade", upgrade: "h2c" } });
    expect(answer.status).toBe(404);
  });

  it("passes the Worker's refusal of a socket on", async () => {
    const answer = await get("/api/refused-socket", { headers: { connection: "Upgrade", upgrade: "websocket" } });
    expect(codeOf(answer)).toBe("no");
    expect(answer.headers["x-frame-options"]).toBe("DENY");
  });
});

describe("a Worker that was taken over", () => {
  it.each(["/api/page", "/api/script"])("says nothing in our origin but data (%s)", async (path) => {
    const { status, headers } = await get(path, { headers: { "sec-fetch-dest": "empty" } });
    expect({ status, type: headers["content-type"] }).toEqual({ status: 200, type: "application/json" });
    expect(headers["x-content-type-options"]).toBe("nosniff");
    const led = ["content-disposition", "clear-site-data", "link", "location", "refresh", "service-worker-allowed"];
    expect(led.filter((name) => headers[name] !== undefined)).toEqual([]);
  });

  it("keeps the words a page needs", async () => {
    expect((await get("/api/page")).headers).toMatchObject({ "retry-after": "1", date: expect.any(String) });
  });

  it.each(["document", "iframe", "script", "worker", "serviceworker", "object", "style"])(
    "is not asked for a %s",
    async (destination) => {
      const answer = await get("/api/echo", { headers: { "sec-fetch-dest": destination } });
      expect([answer.status, codeOf(answer)]).toEqual([403, "not_a_page"]);
    },
  );
});

describe("a service worker that somebody left in the browser", () => {
  it.each(["/sw.js", "/app.js", "/api/echo", "/"])("is given a script that ends it, at %s", async (path) => {
    const answer = await get(path, { headers: { "service-worker": "script", "sec-fetch-dest": "serviceworker" } });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ ...SECURITY_HEADERS, "cache-control": API_CACHE_CONTROL });
    expect(answer.headers["content-type"]).toBe("text/javascript; charset=utf-8");
    expect(answer.text).toContain("registration.unregister()");
  });

  it("is not answered under another name", async () => {
    const headers = { host: "evil.example", "service-worker": "script" };
    expect((await get("/sw.js", { headers })).status).toBe(421);
  });
});

describe("a connection that is not used", () => {
  it("does not end the listener when it breaks off", async () => {
    const socket = connect(running.port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write("GET /api/ec");
    socket.resetAndDestroy();
    expect((await get("/")).status).toBe(200);
  });
});

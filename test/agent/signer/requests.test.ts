/** What an edge is told of a person's browser, and who in it may ask. */
import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { LIVE_SUBPROTOCOL } from "../../../protocol/contracts.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { eventually } from "../edge/fixtures/harness.ts";
import { reply, startHostileEdge, type HostileEdge } from "./fixtures/hostile-edge.ts";
import { startTestSigner, type TestSigner } from "./fixtures/signer.ts";

const OURS = nonceOf("ours");
const THEIRS = nonceOf("theirs");
const PATH = "/api/hosts/h-one/live";

let edge: HostileEdge;
let signer: TestSigner;
beforeAll(async () => {
  edge = await startHostileEdge();
  signer = await startTestSigner({ edge: `http://127.0.0.1:${edge.port}` });
});
afterAll(async () => {
  await signer.stop();
  await edge.stop();
});
beforeEach(() => {
  edge.told.length = 0;
  edge.answers(() => reply());
});

async function toldOf(headers: Readonly<Record<string, string>>): Promise<Record<string, readonly string[]>> {
  await signer.get("/api/commands?after=3", { method: "POST", body: "{}", headers });
  return Object.fromEntries(edge.told[0]?.headers ?? []);
}

describe("a request", () => {
  it("arrives with method, path, query and body", async () => {
    await signer.get("/api/commands?after=3", { method: "POST", body: '{"a":1}' });
    expect(edge.told[0]).toMatchObject({ method: "POST", path: "/api/commands?after=3", body: '{"a":1}' });
  });

  it("carries what the API needs and nothing else", async () => {
    const told = await toldOf({
      "content-type": "application/json",
      origin: signer.origin,
      "sec-fetch-site": "same-origin",
      "clawhold-request": "r",
      "clawhold-signature": "s",
      cookie: `other=1; __Host-clawhold-${signer.port}=${OURS}`,
      "user-agent": "Browser of a person/1.0",
      "accept-language": "de",
      "accept-encoding": "gzip, br",
      referer: `${signer.origin}/hosts/h-one`,
      authorization: "Basic eDp5",
      dnt: "1",
      "sec-ch-ua": "x",
      "x-forwarded-for": "10.0.0.1",
      "cf-access-client-secret": "x",
      "cf-access-jwt-assertion": "x",
      "if-none-match": '"x"',
      range: "bytes=0-1",
    });
    expect(told).toEqual({
      host: [`clawhold.localhost:${edge.port}`],
      "user-agent": ["clawhold-ui"],
      accept: ["application/json"],
      "accept-encoding": ["identity"],
      "content-type": ["application/json"],
      "content-length": ["2"],
      origin: [signer.origin],
      "sec-fetch-site": ["same-origin"],
      "clawhold-request": ["r"],
      "clawhold-signature": ["s"],
      cookie: [`__Host-clawhold=${OURS}`],
      connection: ["keep-alive"],
    });
  });

  it.each([
    ["of another signer or of this machine's own edge", `__Host-clawhold=${THEIRS}; __Host-clawhold-1=${THEIRS}`],
    ["that looks like none", "__Host-clawhold-PORT=short"],
    ["that came twice", `__Host-clawhold-PORT=${OURS}; __Host-clawhold-PORT=${THEIRS}`],
  ])("carries no session %s", async (_what, cookie) => {
    const told = await toldOf({ cookie: cookie.replaceAll("PORT", String(signer.port)) });
    expect(told["cookie"]).toBeUndefined();
  });

  it.each([
    ["a site elsewhere", { "sec-fetch-site": "cross-site" }],
    ["a page on another port of this name", { "sec-fetch-site": "same-site" }],
    ["nobody's page", { "sec-fetch-site": "none" }],
    ["another origin", { origin: "https://evil.example" }],
    ["another port's origin", { origin: "http://clawhold.localhost:1" }],
    ["a sandboxed frame", { origin: "null" }],
  ])("of %s goes nowhere", async (_what, headers) => {
    const answer = await signer.get("/api/health", { headers });
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([403, "not_our_page"]);
    expect(edge.told).toEqual([]);
  });

  it("that asks what another site may do here is not answered by the edge", async () => {
    edge.answers(() => reply(["access-control-allow-origin: *", "access-control-allow-headers: *"]));
    const answer = await signer.get("/api/health", { method: "OPTIONS" });
    expect(answer.status).toBe(405);
    expect(edge.told).toEqual([]);
  });

  it("under another name than the signer's is refused", async () => {
    const answer = await signer.get("/api/health", { headers: { host: "evil.example" } });
    expect(answer.status).toBe(421);
    expect(edge.told).toEqual([]);
  });

  it("to an edge that is gone says so in the words of a lost answer", async () => {
    edge.answers((_told, socket) => void socket.destroy());
    const answer = await signer.get("/api/health");
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([502, "edge_unreachable"]);
  });

  it("that the browser gives up is given up at the edge", async () => {
    let gone = false;
    edge.answers((_told, socket) => void socket.once("close", () => (gone = true)));
    const headers = { host: `clawhold.localhost:${signer.port}` };
    const call = request({ port: signer.port, path: "/api/x", headers });
    call.on("error", () => undefined);
    call.end();
    await eventually(() => edge.told.length > 0);
    call.destroy();
    await eventually(() => gone);
    expect(gone).toBe(true);
  });
});

describe("the edge's own name", () => {
  it("is what a tunnel's far end calls itself, when somebody says so", async () => {
    const other = await startTestSigner({
      edge: `http://clawhold.localhost:${edge.port}`,
      edgeName: "clawhold.localhost:4470",
    });
    await other.get("/api/health");
    expect(edge.told[0]?.headers.get("host")).toEqual(["clawhold.localhost:4470"]);
    await other.stop();
  });
});

describe("a socket", () => {
  const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
  const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  const head = (...lines: readonly string[]): string =>
    ["HTTP/1.1 101 Switching Protocols", "connection: Upgrade", "upgrade: websocket", ...lines, "", ""].join("\r\n");
  const upgrade = (headers: Readonly<Record<string, string>> = {}) =>
    rawUpgrade({ origin: signer.origin, "sec-websocket-key": KEY, "sec-websocket-version": "13", ...headers });

  /** Everything that comes back within the first answer. */
  function rawUpgrade(headers: Readonly<Record<string, string>>): Promise<string> {
    const lines = Object.entries({ connection: "Upgrade", upgrade: "websocket", ...headers });
    const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    return new Promise((resolve, reject) => {
      const socket = connect(signer.port, "127.0.0.1", () =>
        socket.write(`GET ${PATH} HTTP/1.1\r\nhost: clawhold.localhost:${signer.port}\r\n${text}\r\n`),
      );
      let received = "";
      socket.setEncoding("utf8");
      socket.on("error", reject);
      socket.on("close", () => resolve(received));
      socket.on("data", (more: string) => {
        received += more;
        if (received.includes("\r\n\r\n")) socket.end(() => resolve(received));
      });
    });
  }

  it("is asked for with its own words and the session", async () => {
    edge.answers(() => head(`sec-websocket-accept: ${ACCEPT}`));
    await upgrade({
      "sec-websocket-protocol": LIVE_SUBPROTOCOL,
      "sec-websocket-extensions": "permessage-deflate",
      cookie: `__Host-clawhold-${signer.port}=${OURS}; other=1`,
      "user-agent": "x",
      "accept-language": "de",
    });
    expect(edge.told[0]?.path).toBe(PATH);
    expect(Object.fromEntries(edge.told[0]?.headers ?? [])).toEqual({
      host: [`clawhold.localhost:${edge.port}`],
      "user-agent": ["clawhold-ui"],
      connection: ["Upgrade"],
      upgrade: ["websocket"],
      origin: [signer.origin],
      "sec-websocket-key": [KEY],
      "sec-websocket-version": ["13"],
      "sec-websocket-protocol": [LIVE_SUBPROTOCOL],
      cookie: [`__Host-clawhold=${OURS}`],
    });
  });

  it("opens with the two words of the handshake; a cookie beside them stays outside", async () => {
    edge.answers(() =>
      head(
        `sec-websocket-accept: ${ACCEPT}`,
        `sec-websocket-protocol: ${LIVE_SUBPROTOCOL}`,
        "sec-websocket-extensions: permessage-deflate",
        `set-cookie: __Host-clawhold=${THEIRS}; Path=/; Secure; Max-Age=60`,
        "set-cookie: a=b",
        "access-control-allow-origin: *",
        "clear-site-data: *",
      ),
    );
    const opened = await upgrade({ "sec-websocket-protocol": LIVE_SUBPROTOCOL });
    expect(opened).toMatch(/^HTTP\/1.1 101 /);
    expect(opened).toContain(`sec-websocket-accept: ${ACCEPT}`);
    expect(opened).toContain(`sec-websocket-protocol: ${LIVE_SUBPROTOCOL}`);
    for (const word of ["set-cookie", "access-control", "clear-site-data", "extensions"])
      expect(opened).not.toContain(word);
  });

  it.each([
    ["no origin", { origin: undefined }],
    ["another origin", { origin: "https://evil.example" }],
    ["another port of this name", { origin: "http://clawhold.localhost:1" }],
  ])("is not opened for a page of %s", async (_what, { origin }) => {
    const refused = await rawUpgrade({
      ...(origin === undefined ? {} : { origin }),
      "sec-websocket-key": KEY,
      "sec-websocket-version": "13",
    });
    expect(refused).toMatch(/^HTTP\/1.1 403 /);
    expect(edge.told).toEqual([]);
  });

  it("that the edge refuses says no more than that", async () => {
    edge.answers(() => reply(["content-type: text/html", "set-cookie: a=b", "location: /x"], "<script>", "302 Found"));
    const refused = await upgrade();
    expect(refused).toMatch(/^HTTP\/1.1 502 /);
    expect(refused).toContain("socket_refused");
    for (const word of ["script>", "set-cookie", "\nlocation"]) expect(refused).not.toContain(word);
  });

  it("carries frames both ways and ends on both sides", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => LIVE_SUBPROTOCOL });
    await new Promise((resolve) => server.once("listening", resolve));
    server.on("connection", (socket) =>
      socket.on("message", (data: Buffer) => socket.send(`back: ${data.toString()}`)),
    );
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const real = await startTestSigner({ edge: `http://127.0.0.1:${port}` });
    const socket = new WebSocket(`ws://127.0.0.1:${real.port}${PATH}`, [LIVE_SUBPROTOCOL], {
      headers: { host: `clawhold.localhost:${real.port}`, origin: real.origin },
    });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const heard = new Promise((resolve) => socket.once("message", (data: Buffer) => resolve(data.toString())));
    socket.send("hello");
    expect(await heard).toBe("back: hello");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    for (const client of server.clients) client.close(1000);
    expect(await closed).toBe(1000);
    await real.stop();
    server.close();
  });
});

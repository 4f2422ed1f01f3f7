/** Real TLS, straight and through a real CONNECT proxy: the same trust either way, and nothing that a proxy could read. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeAuthority } from "../../../../agent/edge/certificates.ts";
import { dial, EdgeAgent, type Dialling } from "../../../../agent/host/link/dial.ts";
import { parseEndpoint } from "../../../../agent/host/link/endpoint.ts";
import { startConnectProxy, type ConnectProxy } from "./connect-proxy.ts";
import { startScriptedEdge, type ScriptedEdge } from "./scripted-edge.ts";

let edge: ScriptedEdge;
let proxy: ConnectProxy;
let dialling: Dialling;

beforeEach(async () => {
  edge = await startScriptedEdge(["edge.test", "127.0.0.1"]);
  const { port } = new URL(edge.url);
  proxy = await startConnectProxy({ names: { "edge.test": Number(port) } });
  dialling = {
    endpoint: parseEndpoint(`wss://edge.test:${port}`),
    environment: { HTTPS_PROXY: proxy.url },
    tls: { key: edge.tls.key, cert: edge.tls.certificate, ca: edge.tls.edgeCa },
  };
});
afterEach(async () => {
  await proxy.stop();
  await edge.stop();
});

const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => "connected",
    (error: unknown) => (error as { code?: unknown }).code,
  );

describe("through a proxy", () => {
  it("reaches the edge with TLS 1.3 end to end, and sends its credentials to the proxy alone", async () => {
    const { port } = new URL(proxy.url);
    const environment = { HTTPS_PROXY: `http://claw:secret@127.0.0.1:${port}` };
    const socket = await dial({ ...dialling, environment });
    expect(socket.getProtocol()).toBe("TLSv1.3");
    expect(socket.authorized).toBe(true);
    expect(proxy.asked).toEqual([
      {
        authority: `edge.test:${String(dialling.endpoint.port)}`,
        authorization: `Basic ${Buffer.from("claw:secret").toString("base64")}`,
      },
    ]);
    expect(proxy.passed().includes("secret")).toBe(false);
    socket.destroy();
  });

  it("believes the edge's authority and name, and no one else's", async () => {
    const other = await makeAuthority("a proxy that reads along", new Date());
    expect(await codeOf(dial({ ...dialling, tls: { ...dialling.tls, ca: other.certificate } }))).toMatch(
      /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE/,
    );
    const { port } = dialling.endpoint;
    const elsewhere = await startConnectProxy({ names: { "other.test": port } });
    const renamed = { ...dialling, endpoint: parseEndpoint(`wss://other.test:${String(port)}`) };
    expect(await codeOf(dial({ ...renamed, environment: { HTTPS_PROXY: elsewhere.url } }))).toBe(
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
    await elsewhere.stop();
  });

  it.each([
    [407, "proxy_credentials"],
    [403, "proxy_refused"],
    [502, "proxy_refused"],
    [201, "proxy_refused"],
  ])("that answers %i: %s", async (status, code) => {
    proxy.refusal = status;
    expect(await codeOf(dial(dialling))).toBe(code);
  });

  it("that is not there, or is no proxy", async () => {
    expect(await codeOf(dial({ ...dialling, environment: { HTTPS_PROXY: "http://127.0.0.1:1" } }))).toBe(
      "proxy_unreachable",
    );
    const garbage = createServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
    await new Promise<void>((resolve) => garbage.listen(0, "127.0.0.1", resolve));
    const { port } = garbage.address() as AddressInfo;
    expect(await codeOf(dial({ ...dialling, environment: { HTTPS_PROXY: `http://127.0.0.1:${String(port)}` } }))).toBe(
      "proxy_unreachable",
    );
    garbage.close();
  });

  it("that speaks before TLS does is no way to the edge", async () => {
    const eager = createServer((socket) =>
      socket.once("data", () => socket.write("HTTP/1.1 200 Fine\r\n\r\nand one more thing")),
    );
    await new Promise<void>((resolve) => eager.listen(0, "127.0.0.1", resolve));
    const { port } = eager.address() as AddressInfo;
    expect(await codeOf(dial({ ...dialling, environment: { HTTPS_PROXY: `http://127.0.0.1:${String(port)}` } }))).toBe(
      "proxy_refused",
    );
    eager.close();
  });

  it("that says nothing is given up when the caller gives up", async () => {
    proxy.isSilent = true;
    const abandon = new AbortController();
    const attempt = codeOf(dial({ ...dialling, signal: abandon.signal }));
    while (proxy.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    abandon.abort();
    expect(await attempt).toBe("ETIMEDOUT");
  });

  it("is not asked for what NO_PROXY excepts", async () => {
    const environment = { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "edge.test" };
    expect(await codeOf(dial({ ...dialling, environment }))).not.toBe("proxy_unreachable");
    expect(proxy.asked).toEqual([]);
  });
});

describe("a request's own connection", () => {
  it("hands on the failure of the dial", async () => {
    const agent = new EdgeAgent({ ...dialling, environment: { HTTPS_PROXY: "nonsense://" } });
    const { request } = await import("node:https");
    const failed = new Promise((resolve) => {
      request({ agent, host: "edge.test", path: "/" }).on("error", resolve).end();
    });
    expect(await failed).toMatchObject({ code: "proxy_invalid" });
  });
});

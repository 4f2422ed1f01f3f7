/** The bundle in plain workerd behind the local front: real listeners, real client certificates. */
import { mkdirSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import path from "node:path";
import { WebSocket } from "ws";
import { startEdge } from "../../agent/edge/runtime.ts";
import { ORIGIN } from "../fixtures/edge/page.ts";
import type { TunnelSocket } from "../fixtures/edge/host-peer.ts";
import type { Bundle } from "./bundle.ts";
import type { RunningEdge } from "./miniflare.ts";

export async function startPlain({ directory, workerPath, migrations }: Bundle): Promise<RunningEdge> {
  const webDir = path.join(directory, "web");
  mkdirSync(webDir, { recursive: true });
  writeFileSync(path.join(webDir, "index.html"), "<!doctype html><title>Dashboard</title>");
  const edge = await startEdge({
    dataDir: path.join(directory, "data"),
    port: Number(new URL(ORIGIN).port),
    agentPort: 0,
    workerBundlePath: workerPath,
    webDir,
    migrations,
    rateFactor: "1000",
    log: () => undefined,
  });
  const agents = new URL(edge.agentEndpoint);
  const ca = edge.edgeCaCertificate;
  return {
    async send(via, request) {
      const { pathname, search } = new URL(request.url);
      const body = Buffer.from(await request.arrayBuffer());
      if (via === "admin")
        return Response.json(await edge.admin(pathname, body.length === 0 ? undefined : JSON.parse(body.toString())));
      // The front says where a request came from; what a client says of that is dropped.
      const headers = { ...Object.fromEntries(request.headers), "content-length": String(body.length) };
      const options = { method: request.method, path: pathname + search, agent: false as const, setHost: false };
      if (via === "agent") {
        const { hostname, port, host } = agents;
        return exchange(httpsRequest({ ...options, host: hostname, port, ca, headers: { ...headers, host } }), body);
      }
      const { port, host } = new URL(ORIGIN);
      return exchange(httpRequest({ ...options, host: "127.0.0.1", port, headers: { ...headers, host } }), body);
    },
    connect(peer): Promise<TunnelSocket> {
      const certificate = `-----BEGIN CERTIFICATE-----\n${Buffer.from(peer.certificate).toString("base64")}\n-----END CERTIFICATE-----\n`;
      const socket = new WebSocket(new URL("/tunnel", edge.agentEndpoint), {
        ca,
        cert: certificate,
        key: peer.tlsKey,
        perMessageDeflate: false,
      });
      return new Promise((resolve, reject) => {
        // Frames that arrive with the handshake's answer wait for whoever listens next.
        socket.once("open", () => resolve(adapt(socket)));
        socket.once("error", reject);
      });
    },
    stop: () => edge.stop(),
  };
}

function adapt(socket: WebSocket): TunnelSocket {
  return {
    send: (data) => socket.send(data),
    close: (code) => socket.close(code),
    addEventListener: (type: "message" | "close", listener: (event: never) => void) => {
      if (type === "message")
        socket.on("message", (data) => listener({ data: Buffer.isBuffer(data) ? data.toString() : "" } as never));
      else socket.on("close", (code, reason) => listener({ code, reason: String(reason) } as never));
    },
  };
}

function exchange(request: ReturnType<typeof httpRequest>, body: Buffer): Promise<Response> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on("error", reject);
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const headers = Object.entries(response.headers).map(
          ([name, value]) => [name, String(value)] as [string, string],
        );
        resolve(new Response(Buffer.concat(chunks), { status: response.statusCode ?? 500, headers }));
      });
    });
    request.end(body);
  });
}

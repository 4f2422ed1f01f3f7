/**
 * The listener for monitoring: metrics, liveness and readiness, on loopback only and under its own address only, because a
 * page of any site may point its own name at 127.0.0.1. Answers nothing that a stranger could use, and takes no body.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import { EdgeError } from "../shared/edge-error.ts";
import { PRIVATE_HEADERS } from "./headers.ts";
import { listen, SERVER_LIMITS } from "./listen.ts";
import { hostHeader, trackConnections } from "./loopback.ts";
import { METRICS_CONTENT_TYPE, renderMetrics, type Metric } from "./metrics.ts";
import { sendProblem } from "./problem.ts";
import { refuseMalformed } from "./web-front.ts";

export interface MetricsPlace {
  readonly address: string;
  /** 0: any free port (tests). */
  readonly port: number;
}

export interface MetricsDoor {
  readonly read: () => Promise<readonly Metric[]>;
  readonly isReady: () => Promise<boolean>;
}

export interface MetricsFront {
  /** E.g. `http://127.0.0.1:9464/metrics`. */
  readonly url: string;
  close(): Promise<void>;
}

/** A scraper comes once in some seconds, a probe too. */
const MAX_CONNECTIONS = 16;

/** `address:port`, e.g. `127.0.0.1:9464` or `[::1]:9464`. @throws {EdgeError} */
export function parseMetricsPlace(text: string): MetricsPlace {
  const found = /^(?:\[(?<six>[0-9a-f:]+)\]|(?<four>[0-9.]+)):(?<port>[0-9]{1,5})$/.exec(text)?.groups;
  const address = found?.["six"] ?? found?.["four"] ?? "";
  const port = Number(found?.["port"]);
  const isLoopback = address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
  if (isLoopback && port <= 65_535) return { address, port };
  throw new EdgeError(
    "metrics_address",
    "Metrics are served on loopback only, without a password. Give an address of 127.0.0.0/8 or [::1] with a port, e.g. 127.0.0.1:9464; let a collector on this machine take them further.",
  );
}

export async function openMetricsFront(place: MetricsPlace, door: MetricsDoor): Promise<MetricsFront> {
  const server = createServer(SERVER_LIMITS);
  let host = "";
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, { ...door, host }).catch(() => response.destroy());
  });
  server.on("upgrade", (_request, socket) => socket.destroy());
  server.on("clientError", refuseMalformed);
  server.maxConnections = MAX_CONNECTIONS;
  const close = trackConnections(server);
  const port = await listen(server, { ...place, flag: "--metrics" });
  host = hostHeader(place.address, port);
  return { url: `http://${host}/metrics`, close };
}

interface Answering extends MetricsDoor {
  readonly host: string;
}

async function answer(request: IncomingMessage, response: ServerResponse, door: Answering): Promise<void> {
  const { method, url, headers } = request;
  if (headers.host !== door.host) {
    return sendProblem(response, {
      status: 421,
      code: "wrong_address",
      detail: `Metrics are answered only at http://${door.host}/metrics`,
    });
  }
  if (method !== "GET") {
    return sendProblem(response, { status: 405, code: "method_not_allowed", detail: "Metrics are only read." });
  }
  switch (url) {
    case "/metrics":
      return send(response, { status: 200, type: METRICS_CONTENT_TYPE, body: renderMetrics(await door.read()) });
    case "/livez":
      return send(response, { status: 200, type: PLAIN, body: "ok\n" });
    case "/readyz": {
      const isReady = await door.isReady();
      return send(response, { status: isReady ? 200 : 503, type: PLAIN, body: isReady ? "ok\n" : "not ready\n" });
    }
    default:
      return sendProblem(response, { status: 404, code: "not_found", detail: "There is nothing at this address." });
  }
}

const PLAIN = "text/plain; charset=utf-8";

function send(
  response: ServerResponse,
  { status, type, body }: { readonly status: number; readonly type: string; readonly body: string },
): void {
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, { ...PRIVATE_HEADERS, "content-type": type, "content-length": length });
  response.end(body);
}

/**
 * Carries a request from a listener to one of workerd's private sockets and the answer back. Everything by which a
 * client could pretend to be the front (cf-*, forwarded headers, hop-by-hop tricks) is dropped; bodies stream, are
 * bounded by their declared length, and an abandoned request is abandoned upstream too. Answers are data: whatever the
 * Worker calls them, they leave as JSON. Decides nothing about who may ask: the listeners do that first.
 */

import { Agent, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { MAX_BODY_BYTES } from "../../protocol/limits.ts";
import { systemCode } from "../shared/edge-error.ts";
import type { TlsClientAuth } from "./client-certificate.ts";
import { PRIVATE_HEADERS } from "./headers.ts";
import type { Problem } from "./problem.ts";
import { sendProblem, sendRawProblem } from "./problem.ts";
import { collectEarly, joinSockets, rawHead } from "./raw-socket.ts";
import { CF_BLOB_HEADER } from "./workerd-config.ts";

/** Longer than any wait the Worker makes on behalf of a request (a host's receipt). */
const UPSTREAM_SILENCE_MILLISECONDS = 120_000;
/**
 * The runtime closes a connection that nobody used for five seconds. What has a body is trusted only to one that rested no
 * longer than this, so that it never meets that moment: nobody could say whether it had arrived.
 */
const BODY_REST_MILLISECONDS = 1_000;
/** Requests in flight to one socket; more wait their turn. Sockets for WebSockets are not counted. */
const MAX_UPSTREAM_SOCKETS = 256;
/** What the Worker reads as `request.cf`. */
export interface CfBlob {
  readonly clientIp: string;
  readonly tlsClientAuth?: TlsClientAuth;
}

export interface Upstream {
  readonly socketPath: string;
  /** For what has no body. */
  readonly agent: Agent;
  /** For what has one. */
  readonly brief: Agent;
  /** Every request over a connection of its own. */
  readonly fresh: Agent;
  /** Told of the answer to each upgrade; 101: the client's socket is a WebSocket from here on. */
  readonly onUpgrade: OnUpgrade;
}

type OnUpgrade = (status: number, client: Duplex) => void;

export function openUpstream(socketPath: string, onUpgrade: OnUpgrade = () => undefined): Upstream {
  const maxSockets = MAX_UPSTREAM_SOCKETS;
  const agent = new Agent({ keepAlive: true, maxSockets });
  const brief = new Agent({ keepAlive: true, maxSockets, timeout: BODY_REST_MILLISECONDS });
  return { socketPath, agent, brief, fresh: new Agent({ maxSockets }), onUpgrade };
}

export function closeUpstream({ agent, brief }: Upstream): void {
  agent.destroy();
  brief.destroy();
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface UpgradeExchange {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Uint8Array;
}

/** The way of a dashboard's requests into workerd; undefined while that is not ready. */
export function workerDoor(upstream: () => Upstream | undefined): {
  request(exchange: Exchange): void;
  upgrade(exchange: UpgradeExchange): void;
} {
  const describe = ({ socket }: IncomingMessage): CfBlob => ({ clientIp: socket.remoteAddress ?? "" });
  return {
    request: (exchange) => forwardRequest(upstream(), exchange, describe(exchange.request)),
    upgrade: (exchange) => forwardUpgrade(upstream(), exchange, describe(exchange.request)),
  };
}

const RESTARTING: Problem = {
  status: 503,
  code: "edge_restarting",
  detail: "The local edge is starting. Try again in a moment.",
  headers: { "retry-after": "1" },
};

const BODY_METHODS: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH", "DELETE"]);
const BARE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

export function forwardRequest(upstream: Upstream | undefined, { request, response }: Exchange, cf: CfBlob): void {
  const refusal = upstream === undefined ? RESTARTING : refuseBody(request);
  if (upstream === undefined || refusal !== undefined) {
    sendProblem(response, refusal ?? RESTARTING);
    return;
  }
  send(upstream, { request, response }, { cf, isAgain: false });
}

interface Attempt {
  readonly cf: CfBlob;
  /** The second of at most two. */
  readonly isAgain: boolean;
}

/**
 * The runtime may close a resting connection in the moment in which it is taken up again. What has no body is then asked
 * once more; what has one is never sent twice, and goes only over connections that are too young for that.
 */
function send(upstream: Upstream, { request, response }: Exchange, { cf, isAgain }: Attempt): void {
  const isBare = BARE_METHODS.has(request.method ?? "");
  const outgoing = httpRequest({
    socketPath: upstream.socketPath,
    agent: isAgain ? upstream.fresh : isBare ? upstream.agent : upstream.brief,
    method: request.method,
    path: request.url,
    setHost: false,
    headers: requestHeaders(request, cf),
    timeout: UPSTREAM_SILENCE_MILLISECONDS,
  });
  const abandon = (): void => {
    if (!response.writableFinished) outgoing.destroy();
  };
  outgoing.on("timeout", () => outgoing.destroy());
  outgoing.on("response", (incoming) => {
    const status = incoming.statusCode ?? 502;
    // Who was refused before the body was read: the runtime may close what is left of it.
    if (!isBare && status >= 400) outgoing.shouldKeepAlive = false;
    response.writeHead(status, responseHeaders(incoming));
    incoming.on("error", () => response.destroy());
    incoming.pipe(response);
  });
  outgoing.on("error", (error) => {
    // Errors after the head was sent cannot become a status: cutting the connection is the only honest answer left.
    if (response.headersSent) return void response.destroy();
    if (isBare && outgoing.reusedSocket && systemCode(error) === "ECONNRESET" && !response.destroyed) {
      response.off("close", abandon);
      return send(upstream, { request, response }, { cf, isAgain: true });
    }
    sendProblem(response, RESTARTING);
  });
  response.on("close", abandon);
  request.on("error", () => outgoing.destroy());
  if (isBare) outgoing.end();
  else request.pipe(outgoing);
}

export function forwardUpgrade(upstream: Upstream | undefined, exchange: UpgradeExchange, cf: CfBlob): void {
  const { request, socket, head } = exchange;
  if (upstream === undefined) {
    sendRawProblem(socket, RESTARTING);
    return;
  }
  const outgoing = httpRequest({
    socketPath: upstream.socketPath,
    agent: false,
    method: "GET",
    path: request.url,
    setHost: false,
    headers: [...requestHeaders(request, cf), "connection", "Upgrade", "upgrade", "websocket"],
  });
  let answered = false;
  const early = collectEarly(socket, head);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => outgoing.destroy());
  outgoing.on("upgrade", (incoming, upstreamSocket, upstreamHead) => {
    answered = true;
    upstream.onUpgrade(101, socket);
    socket.write(upgradeHead(incoming));
    if (upstreamHead.length > 0) socket.write(upstreamHead);
    for (const chunk of early.stop()) upstreamSocket.write(chunk);
    joinSockets(socket, upstreamSocket);
  });
  outgoing.on("response", (incoming) => {
    answered = true;
    upstream.onUpgrade(incoming.statusCode ?? 502, socket);
    relayRefusal(socket, incoming);
  });
  outgoing.on("error", () => (answered ? socket.destroy() : sendRawProblem(socket, RESTARTING)));
  outgoing.end();
}

/** A declared, bounded length or nothing: no chunked bodies, so no disagreement about where a request ends. */
export function refuseBody(request: IncomingMessage): Problem | undefined {
  const method = request.method ?? "";
  const length = Number(request.headers["content-length"] ?? "0");
  if (!BODY_METHODS.has(method) && !BARE_METHODS.has(method)) {
    return { status: 405, code: "method_not_allowed", detail: "This method is not used here." };
  }
  if (request.headers["transfer-encoding"] !== undefined) {
    return { status: 411, code: "length_required", detail: "Send the body with a content-length." };
  }
  if (length > MAX_BODY_BYTES) {
    return { status: 413, code: "body_too_large", detail: `A request body may hold ${MAX_BODY_BYTES} bytes.` };
  }
  if (length > 0 && BARE_METHODS.has(method)) {
    return { status: 400, code: "body_unexpected", detail: "This method has no body." };
  }
  return undefined;
}

/** RFC 9110, section 7.6.1, and what only a front may say. */
const DROPPED_REQUEST_HEADER =
  /^(?:cf-.*|mf-.*|x-forwarded-.*|forwarded|x-real-ip|true-client-ip|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect)$/;
/**
 * What a Worker may say beside its status and body: nothing that makes a browser go elsewhere, save a file or run a
 * script. Locally its answers come from the signer's own origin, where it must never be able to show a page.
 */
const PASSED_RESPONSE_HEADER =
  /^(?:date|content-length|content-encoding|allow|retry-after|ratelimit(?:-.*)?|set-cookie|sec-websocket-.*)$/;
const PROBLEM_TYPE = "application/problem+json";

function requestHeaders(request: IncomingMessage, cf: CfBlob): string[] {
  const nominated = new Set((request.headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()));
  const kept = filterHeaders(request.rawHeaders, (name) => DROPPED_REQUEST_HEADER.test(name) || nominated.has(name));
  return [...kept, "cf-connecting-ip", cf.clientIp, CF_BLOB_HEADER, asciiJson(cf)];
}

function responseHeaders(incoming: IncomingMessage): string[] {
  const kept = filterHeaders(incoming.rawHeaders, (name) => !PASSED_RESPONSE_HEADER.test(name));
  const type = incoming.headers["content-type"] === PROBLEM_TYPE ? PROBLEM_TYPE : "application/json";
  return [...kept, "content-type", type, ...Object.entries(PRIVATE_HEADERS).flat()];
}

function filterHeaders(rawHeaders: readonly string[], isDropped: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (!isDropped(name.toLowerCase())) kept.push(name, rawHeaders[index + 1] ?? "");
  }
  return kept;
}

/** A certificate's names may hold anything; a header value may not. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function upgradeHead(incoming: IncomingMessage): string {
  return rawHead(101, [...responseHeaders(incoming), "connection", "Upgrade", "upgrade", "websocket"]);
}

/** The Worker said no to an upgrade: its answer goes out like any other, then the connection ends. */
function relayRefusal(socket: Duplex, incoming: IncomingMessage): void {
  socket.write(rawHead(incoming.statusCode ?? 502, [...responseHeaders(incoming), "connection", "close"]));
  incoming.on("error", () => socket.destroy());
  incoming.pipe(socket);
}

/**
 * The dashboard's listener: serves the installed bundle itself (that makes this origin a signer: the edge cannot
 * change what a person sees) and hands on nothing but /api. Answers only to its exact name, because a page of any
 * site may point its own name at 127.0.0.1.
 */

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { limitPerAddress } from "./address-limit.ts";
import type { Exchange, UpgradeExchange } from "./forward.ts";
import { SERVER_LIMITS } from "./listen.ts";
import type { Problem } from "./problem.ts";
import { sendProblem, sendRawProblem, sendRefusalPage, sendWrongAddressPage } from "./problem.ts";
import type { StaticFiles } from "./static-files.ts";
import { endServiceWorker, isServiceWorker } from "./service-worker.ts";
import { isNavigation, serveStatic } from "./static-files.ts";

/** Where /api leads. Asked only for what the front has let in: a fetch or a WebSocket to its exact name. */
export interface ApiDoor {
  request(exchange: Exchange): void;
  upgrade(exchange: UpgradeExchange): void;
}

/** One address that this machine answers by itself and that is never handed on. */
export interface OwnDoor {
  readonly path: string;
  answer(exchange: Exchange): void;
}

export interface WebFrontOptions {
  readonly files: StaticFiles;
  /** The only Host this listener answers to, with its port; known once the port is taken. */
  readonly host: () => string;
  readonly api: ApiDoor;
  readonly own?: OwnDoor | undefined;
  /** `http` unless the server speaks TLS. */
  readonly scheme?: "http" | "https";
  /** Asked before anything else: undefined lets the request in. */
  readonly admit?: (request: IncomingMessage) => Problem | undefined;
  /** On every answer, beside the security headers. Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
}

export function createWebFront(options: WebFrontOptions): Server {
  const server = createServer(SERVER_LIMITS);
  serveDashboard(server, options);
  return server;
}

/** Makes a server that somebody created the dashboard's. */
export function serveDashboard(server: Server | TlsServer, options: WebFrontOptions): void {
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    for (const [name, value] of Object.entries(options.headers ?? {})) response.setHeader(name, value);
    const stranger = options.admit?.(request);
    if (stranger !== undefined) return sendRefusal(request, response, stranger);
    const refusal = refuse(options, request);
    if (refusal !== undefined && isNavigation(request)) sendWrongAddressPage(response, refusal, addressOf(options));
    else if (refusal !== undefined) sendProblem(response, refusal);
    else if (isServiceWorker(request)) endServiceWorker(response);
    else if (!isFile(options, request) && !isFetch(request)) sendProblem(response, NOT_A_PAGE);
    else if (isApi(request)) options.api.request({ request, response });
    else if (isOwn(options, request)) options.own?.answer({ request, response });
    else serveStatic(options.files, request, response);
  };
  limitPerAddress(server);
  server.on("request", serve);
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) =>
    sendProblem(response, EXPECTATION),
  );
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    const refusal = options.admit?.(request) ?? refuse(options, request) ?? refuseUpgrade(request, isApi(request));
    if (refusal !== undefined)
      sendRawProblem(socket, { ...refusal, headers: { ...options.headers, ...refusal.headers } });
    else options.api.upgrade({ request, socket, head });
  });
  server.on("clientError", refuseMalformed);
}

/** A person reads a page; a program reads a code. */
function sendRefusal(request: IncomingMessage, response: ServerResponse, refusal: Problem): void {
  if (isNavigation(request)) sendRefusalPage(response, refusal);
  else sendProblem(response, refusal);
}

function addressOf({ scheme = "http", host }: WebFrontOptions): string {
  return `${scheme}://${host()}/`;
}

const NOT_A_PAGE: Problem = {
  status: 403,
  code: "not_a_page",
  detail: "This address answers the dashboard, not the address bar. Open the dashboard itself.",
};

/** What a page asks for with fetch. A navigation, frame or script would show or run in our origin what the Worker says. */
function isFetch(request: IncomingMessage): boolean {
  const destination = request.headers["sec-fetch-dest"];
  return destination === undefined || destination === "empty";
}

export const EXPECTATION: Problem = {
  status: 417,
  code: "expectation_failed",
  detail: "This expectation is not supported.",
};

/** Node's own answer to a malformed request would go out without the security headers. */
export function refuseMalformed(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (error.code === "ECONNRESET") socket.destroy();
  else if (error.code === "HPE_HEADER_OVERFLOW") {
    sendRawProblem(socket, { status: 431, code: "headers_too_large", detail: "The request's headers are too large." });
  } else if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    sendRawProblem(socket, { status: 408, code: "request_timeout", detail: "The request took too long to arrive." });
  } else sendRawProblem(socket, { status: 400, code: "malformed_request", detail: "The request is not valid HTTP." });
}

/** Undefined for a WebSocket upgrade that may be forwarded. */
export function refuseUpgrade(request: IncomingMessage, isKnownPath: boolean): Problem | undefined {
  if (isKnownPath && request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket")
    return undefined;
  return { status: 404, code: "not_found", detail: "There is no socket at this address." };
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

function isApi(request: IncomingMessage): boolean {
  return pathOf(request).startsWith("/api/");
}

function isOwn({ own }: WebFrontOptions, request: IncomingMessage): boolean {
  return own !== undefined && pathOf(request) === own.path;
}

function isFile(options: WebFrontOptions, request: IncomingMessage): boolean {
  return !isApi(request) && !isOwn(options, request);
}

/** Counted in the raw headers: Node silently keeps the first of two. */
function refuse(options: WebFrontOptions, request: IncomingMessage): Problem | undefined {
  const hosts = request.rawHeaders.filter(
    (_, index) => index % 2 === 1 && request.rawHeaders[index - 1]?.toLowerCase() === "host",
  );
  const expected = options.host();
  if (hosts.length === 1 && hosts[0] === expected && request.url?.startsWith("/") === true) return undefined;
  return { status: 421, code: "wrong_address", detail: `This dashboard answers only at ${addressOf(options)}` };
}

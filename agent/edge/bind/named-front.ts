/**
 * The dashboard on an address that other machines reach: https under one name, TLS 1.3 only, and by default for browsers
 * that hold a certificate of ours. Serves the same files as the listener on loopback, but from a machine that may not be
 * the reader's: its origin is of class daily. Hands in how to take the TLS pair, decides nothing about requests that were
 * let in.
 */
import { constants } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { Server } from "node:https";
import { TLSSocket } from "node:tls";
import type { KeyPair } from "../certificates.ts";
import { SERVER_LIMITS } from "../listen.ts";
import type { Problem } from "../problem.ts";
import type { WebFrontOptions } from "../web-front.ts";
import { serveDashboard } from "../web-front.ts";
import type { BrowserGate } from "./browser-certificates.ts";

/** For the name, on every port of it: a browser that was here once never asks it in the clear again. */
const STRICT_TRANSPORT = { "strict-transport-security": "max-age=31536000" } as const;
const HANDSHAKE_TIMEOUT_MILLISECONDS = 10_000;
/** A socket that was opened before a revocation is cut after it; requests are asked each time. */
const SWEEP_MILLISECONDS = 1_000;

export interface NamedFrontOptions {
  readonly web: Pick<WebFrontOptions, "files" | "host" | "api">;
  readonly pair: KeyPair;
  /** Undefined: any browser may open it. */
  readonly gate: BrowserGate | undefined;
}

export function createNamedFront({ web, pair, gate }: NamedFrontOptions): Server {
  const server = createServer({
    ...SERVER_LIMITS,
    ...tlsOf(pair, gate),
    // Refused by us, with a sentence, before anything is answered.
    requestCert: gate !== undefined,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MILLISECONDS,
    ALPNProtocols: ["http/1.1"],
  });
  const admitted = new Set<TLSSocket>();
  const admit = (request: IncomingMessage): Problem | undefined => {
    const { socket } = request;
    if (gate === undefined || !(socket instanceof TLSSocket)) return gate === undefined ? undefined : NO_TLS;
    const refusal = gate.refuse(socket);
    if (refusal === undefined && !admitted.has(socket)) {
      admitted.add(socket);
      socket.once("close", () => admitted.delete(socket));
    }
    return refusal;
  };
  serveDashboard(server, { ...web, scheme: "https", admit, headers: STRICT_TRANSPORT });
  // A failed handshake (TLS 1.2, a port scan) leaves nothing to answer on.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  if (gate !== undefined) sweepWhileOpen(server, admitted, gate);
  return server;
}

/** For a renewed certificate while the listener runs: open connections keep the one that they began with. */
export function replacePair(server: Server, pair: KeyPair, gate: BrowserGate | undefined): void {
  server.setSecureContext(tlsOf(pair, gate));
}

function tlsOf({ key, certificate }: KeyPair, gate: BrowserGate | undefined): object {
  return {
    key,
    cert: certificate,
    ...(gate === undefined ? {} : { ca: gate.authority }),
    minVersion: "TLSv1.3",
    // A resumed session would carry an old verdict.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

const NO_TLS: Problem = {
  status: 403,
  code: "browser_certificate_missing",
  detail: "This dashboard is served over TLS only. Open its https address.",
};

function sweepWhileOpen(server: Server, admitted: ReadonlySet<TLSSocket>, gate: BrowserGate): void {
  const timer = setInterval(() => {
    for (const socket of admitted) if (gate.refuse(socket) !== undefined) socket.destroy();
  }, SWEEP_MILLISECONDS);
  timer.unref();
  server.once("close", () => clearInterval(timer));
}

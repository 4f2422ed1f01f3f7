/**
 * The agents' listener: TLS 1.3 with a client certificate of our own authority, checked here on every request. A
 * client without a valid one is told which of three things is wrong and is never forwarded; the exceptions are joining, where
 * a host has no certificate yet and its token is judged by the Worker, and the files of a release, which are no secret and
 * are answered here from memory.
 */

import { X509Certificate, constants } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { rates } from "../../protocol/rates.ts";
import type { KeyPair } from "./certificates.ts";
import type { CertificateCode, Judgement } from "./client-certificate.ts";
import { NO_CLIENT_AUTH, judgeClient } from "./client-certificate.ts";
import type { CfBlob, Upstream } from "./forward.ts";
import { forwardRequest, forwardUpgrade } from "./forward.ts";
import { SERVER_LIMITS } from "./listen.ts";
import type { Problem } from "./problem.ts";
import { sendProblem, sendRawProblem } from "./problem.ts";
import { createRateLimit, type RateVerdict } from "./rate-limit.ts";
import { serveRelease, type ReleaseFiles } from "./release-files.ts";
import { EXPECTATION, pathOf, refuseMalformed, refuseUpgrade } from "./web-front.ts";

export interface AgentFrontOptions {
  readonly certificate: KeyPair;
  /** PEM of the authority whose client certificates are accepted. */
  readonly clientAuthority: string;
  readonly upstream: () => Upstream | undefined;
  readonly now: () => Date;
  /** Served to whoever asks. */
  readonly releases?: ReleaseFiles;
  /** A client without a good certificate was turned away. */
  readonly onRefused?: (code: CertificateCode) => void;
}

/** A person joins one host at a time; a token has 256 bits, so this only bounds the noise. */
export const JOINS_PER_MINUTE = rates.join.quota;
const HANDSHAKE_TIMEOUT_MILLISECONDS = 10_000;

const SENTENCES = {
  certificate_missing:
    "This address is for joined hosts, and no client certificate was presented. Join this host: clawhold join",
  certificate_untrusted: "The client certificate was not issued by this edge. Join this host to it: clawhold join",
  certificate_early:
    "The client certificate is not valid yet by the edge's clock. Compare both clocks; if they agree, join again: clawhold join",
  certificate_expired: "The client certificate has ended by the edge's clock. Join this host again: clawhold join",
} as const satisfies Record<CertificateCode, string>;

const NOT_FOUND: Problem = { status: 404, code: "not_found", detail: "There is nothing at this address." };

export function createAgentFront(options: AgentFrontOptions): Server {
  const server = createServer({
    ...SERVER_LIMITS,
    ...tlsFiles(options.certificate),
    ca: options.clientAuthority,
    requestCert: true,
    // Refused by us, with a reason, before anything is forwarded.
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
    // A resumed session would carry an old verdict.
    secureOptions: constants.SSL_OP_NO_TICKET,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MILLISECONDS,
    ALPNProtocols: ["http/1.1"],
  });
  const authority = new X509Certificate(options.clientAuthority);
  const allowJoin = createRateLimit("join", options.now);
  const allowInstall = createRateLimit("install", options.now);
  const judge = (request: IncomingMessage): Judgement => {
    const judgement: Judgement =
      request.socket instanceof TLSSocket
        ? judgeClient(request.socket, authority, options.now())
        : { verified: false, code: "certificate_missing" };
    if (!judgement.verified) options.onRefused?.(judgement.code);
    return judgement;
  };

  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const release = options.releases?.get(pathOf(request));
    if (release !== undefined) return serveRelease(release, { request, response }, allowInstall);
    const admitted = admit(request, judge, allowJoin);
    if ("cf" in admitted) forwardRequest(options.upstream(), { request, response }, admitted.cf);
    else sendProblem(response, admitted);
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    const judgement = judge(request);
    const refusal = judgement.verified
      ? refuseUpgrade(request, pathOf(request) === "/tunnel")
      : describeRefusal(judgement.code);
    if (refusal !== undefined || !judgement.verified) sendRawProblem(socket, refusal ?? NOT_FOUND);
    else forwardUpgrade(options.upstream(), { request, socket, head }, describeClient(request, judgement));
  });
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) =>
    sendProblem(response, EXPECTATION),
  );
  server.on("clientError", refuseMalformed);
  // A failed handshake (TLS 1.2, a port scan) leaves nothing to answer on.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

/** For a renewed certificate while the listener runs. */
export function replaceCertificate(server: Server, certificate: KeyPair, clientAuthority: string): void {
  server.setSecureContext({
    ...tlsFiles(certificate),
    ca: clientAuthority,
    minVersion: "TLSv1.3",
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
}

function tlsFiles({ key, certificate }: KeyPair): { readonly key: string; readonly cert: string } {
  return { key, cert: certificate };
}

type Admitted = { readonly cf: CfBlob } | Problem;

function admit(
  request: IncomingMessage,
  judge: (request: IncomingMessage) => Judgement,
  allowJoin: (key: string) => RateVerdict,
): Admitted {
  const path = pathOf(request);
  if (path === "/join" && request.method === "POST") {
    const { isAllowed, headers } = allowJoin(request.socket.remoteAddress ?? "");
    if (isAllowed) return { cf: describeClient(request, undefined) };
    return {
      status: 429,
      code: "too_many_joins",
      detail: `At most ${JOINS_PER_MINUTE} attempts to join a minute. Wait a minute, then try again.`,
      headers,
    };
  }
  const judgement = judge(request);
  if (!judgement.verified) return describeRefusal(judgement.code);
  if (path === "/health" && request.method === "GET") return { cf: describeClient(request, judgement) };
  return NOT_FOUND;
}

function describeRefusal(code: CertificateCode): Problem {
  return { status: 403, code, detail: SENTENCES[code] };
}

function describeClient(request: IncomingMessage, judgement: (Judgement & { verified: true }) | undefined): CfBlob {
  return { clientIp: request.socket.remoteAddress ?? "", tlsClientAuth: judgement?.clientAuth ?? NO_CLIENT_AUTH };
}

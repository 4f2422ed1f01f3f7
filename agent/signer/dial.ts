/**
 * One connection to the edge: to the very address that was typed, with the certificate verified as any other client does,
 * with an end to every wait. Follows nothing and believes nothing.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { ClientRequest, RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { ClientCertificate } from "./client-certificate.ts";
import type { EdgeAddress } from "./edge-address.ts";
import type { SignerProblem } from "./problem.ts";

/** Longer than any wait of the edge's own for a host's answer. */
const SILENCE_MILLISECONDS = 120_000;
/** As much as we ourselves take from a browser. */
const MAX_HEADER_BYTES = 16_384;
/** A browser asks few things at once; more wait. WebSockets are not counted. */
const MAX_SOCKETS = 32;

export interface Dialled {
  readonly edge: EdgeAddress;
  /** PEM of the authorities that may vouch for an https edge. */
  readonly authorities: readonly string[];
  /** For an edge that lets in only those whom it gave one. */
  readonly certificate?: ClientCertificate | undefined;
}

export function agentFor({ edge }: Dialled): HttpAgent {
  const limits = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return edge.secure ? new HttpsAgent(limits) : new HttpAgent(limits);
}

export function dial({ edge, authorities, certificate }: Dialled, more: RequestOptions): ClientRequest {
  const common: RequestOptions = {
    host: edge.hostname,
    port: edge.port,
    setHost: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    timeout: SILENCE_MILLISECONDS,
    ...more,
  };
  if (!edge.secure) return httpRequest(common);
  const trust = { ca: [...authorities], rejectUnauthorized: true, ...certificate?.tls() };
  return httpsRequest({ ...common, ...trust, minVersion: "TLSv1.2" });
}

/** Only what the certificate itself is blamed for; a network's failure is none. */
export function certificateProblem(error: Error): SignerProblem | undefined {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return CERTIFICATE_CODE.test(code) ? "edge_certificate" : undefined;
}

const CERTIFICATE_CODE =
  /^(?:CERT_.*|ERR_TLS_CERT_.*|UNABLE_TO_.*|SELF_SIGNED_.*|DEPTH_ZERO_.*|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)$/;

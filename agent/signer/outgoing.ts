/**
 * What an edge is told of a request: what its API needs, and nothing that says more about the person's machine or about
 * other sessions in the same browser. An allow-list; whatever else a browser sends stays here.
 */
import type { IncomingMessage } from "node:http";
import { requestHeaders as signed } from "../../protocol/contracts.ts";
import { outgoingCookie } from "./session-cookie.ts";

const PASSED = ["content-type", "content-length", "origin", "sec-fetch-site", signed.body, signed.signature] as const;
/** Without extensions: compression would be one more parser between a hostile edge and the browser. */
const PASSED_UPGRADE = ["sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol"] as const;

export interface Outgoing {
  /** The edge's own name. */
  readonly host: string;
  /** Of the signer. */
  readonly port: number;
  /** The service token's headers, where one is used. */
  readonly access: readonly string[];
}

/** Names and values in turn. */
export function outgoingHeaders(request: IncomingMessage, to: Outgoing): string[] {
  return [
    "host",
    to.host,
    // Some protections before an edge refuse a client without a name. It is the same for everybody.
    "user-agent",
    "clawhold-ui",
    "accept",
    "application/json",
    "accept-encoding",
    "identity",
    ...pick(request, PASSED),
    ...cookieOf(request, to.port),
    ...to.access,
  ];
}

export function outgoingUpgradeHeaders(request: IncomingMessage, to: Outgoing): string[] {
  return [
    "host",
    to.host,
    "user-agent",
    "clawhold-ui",
    "connection",
    "Upgrade",
    "upgrade",
    "websocket",
    ...pick(request, ["origin", ...PASSED_UPGRADE]),
    ...cookieOf(request, to.port),
    ...to.access,
  ];
}

function pick(request: IncomingMessage, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = request.headers[name];
    return typeof value === "string" ? [name, value] : [];
  });
}

function cookieOf(request: IncomingMessage, port: number): string[] {
  const cookie = outgoingCookie(request.headers.cookie, port);
  return cookie === undefined ? [] : ["cookie", cookie];
}

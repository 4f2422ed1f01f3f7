/**
 * Taking a port, and saying in one sentence why it could not be taken. Limits that every listener shares.
 */

import { readFileSync } from "node:fs";
import type { Server } from "node:net";
import type { AddressInfo } from "node:net";
import type { ServerOptions } from "node:http";
import { EdgeError, systemCode } from "../shared/edge-error.ts";

/** A browser's request line, cookie and signature headers are under 4 KB. */
const MAX_HEADER_BYTES = 16_384;
const HEADERS_TIMEOUT_MILLISECONDS = 10_000;
/** A body is at most 128 KB; a client that needs longer holds a slot for nothing. */
const REQUEST_TIMEOUT_MILLISECONDS = 30_000;
const IDLE_TIMEOUT_MILLISECONDS = 60_000;
/** Node looks for those who are over it only now and then, by itself every half minute. */
const CHECK_MILLISECONDS = 2_000;

export const SERVER_LIMITS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  headersTimeout: HEADERS_TIMEOUT_MILLISECONDS,
  requestTimeout: REQUEST_TIMEOUT_MILLISECONDS,
  keepAliveTimeout: IDLE_TIMEOUT_MILLISECONDS,
  connectionsCheckingInterval: CHECK_MILLISECONDS,
  // Node's own refusal would go out without our headers; ours refuses a missing Host like a wrong one.
  requireHostHeader: false,
} as const satisfies ServerOptions;

/** Below this the front runs out of descriptors with a few hundred open sockets (two each, five more in workerd). */
const WANTED_OPEN_FILES = 4_096;
/** For logs, sockets to workerd, and what Node itself holds. */
const RESERVED_OPEN_FILES = 128;

export interface Place {
  /** 0: any free port. */
  readonly port: number;
  readonly address: string;
  /** The flag that chooses this port, for the message. */
  readonly flag: string;
}

export function listen(server: Server, { port, address, flag }: Place): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => reject(explain(error, { port, address, flag }));
    server.once("error", refuse);
    server.listen({ port, host: address, ipv6Only: true, exclusive: true }, () => {
      server.off("error", refuse);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** True when the kernel has no such address at all, so that nobody else can answer there either. */
export function isAddressAbsent(error: unknown): boolean {
  return error instanceof EdgeError && error.code === "address_unavailable";
}

function explain(error: Error, { port, address, flag }: Place): Error {
  const shown = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return new EdgeError(
        "port_taken",
        `${shown} is taken by another program, which could answer in our name. See which one with ss -ltnp 'sport = :${port}', then stop it or choose another port with ${flag}.`,
        { cause: error },
      );
    case "EACCES":
      return new EdgeError(
        "port_forbidden",
        `${shown} may only be taken by root. Choose a port above 1023 with ${flag}.`,
        { cause: error },
      );
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
      return new EdgeError(
        "address_unavailable",
        `This machine has no address ${address}. See its addresses with: ip address`,
        { cause: error },
      );
    default:
      return error;
  }
}

/** The soft limit of this process, or undefined where the kernel does not say. */
export function readOpenFileLimit(): number | undefined {
  const found = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return found?.[1] === undefined ? undefined : Number(found[1]);
}

/** Refusing a connection is better than EMFILE in the middle of one. */
export function maxConnections(openFileLimit: number | undefined): number {
  const files = openFileLimit ?? WANTED_OPEN_FILES;
  return Math.max(16, Math.floor((files - RESERVED_OPEN_FILES) / 4));
}

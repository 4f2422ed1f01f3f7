/**
 * Counts what comes in by the front's listeners, refuses connections before the process runs out of descriptors, and knows
 * when nothing is under way any more. Decides nothing about requests, and keeps no address, path, name or id.
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCode } from "../shared/edge-error.ts";
import type { CertificateCode } from "./client-certificate.ts";

export type TrafficDoor = "dashboard" | "agents";
/** `aborted`: the client left before the answer began. */
export type StatusClass = "1xx" | "2xx" | "3xx" | "4xx" | "5xx" | "aborted";
/** Why a client on a TLS listener got nowhere. `handshake`: anything from a port scan to TLS 1.2. */
export type TlsRefusal = CertificateCode | "handshake" | "handshake_timeout" | "protocol_version";

const LOOK_MILLISECONDS = 10;
/** A full table is said once a minute, not once a connection. */
const SAY_AGAIN_MILLISECONDS = 60_000;

export interface TrafficOptions {
  /** Connections on all listeners together. */
  readonly maxConnections: number;
  readonly onFull: () => void;
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #servers = new Set<Server | TlsServer>();
  readonly #connections = new Set<Socket>();
  readonly #answering = new Set<ServerResponse>();
  readonly #tunnels = new Set<Duplex>();
  #saidFullAt = Number.NEGATIVE_INFINITY;
  #isDraining = false;
  #refusedConnections = 0;
  #openedTunnels = 0;
  readonly requests = new Counts<`${TrafficDoor} ${StatusClass}`>();
  readonly joins = new Counts<StatusClass>();
  readonly tlsRefusals = new Counts<TlsRefusal>();

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  /** Before it listens. */
  watch(server: Server | TlsServer, door: TrafficDoor): void {
    this.#servers.add(server);
    server.once("close", () => this.#servers.delete(server));
    server.on("connection", (socket: Socket) => this.#connected(socket));
    server.prependListener("request", (request: IncomingMessage, response: ServerResponse) =>
      this.#requested(door, request, response),
    );
    server.on("tlsClientError", (error: Error) => this.tlsRefused(refusalOf(error)));
  }

  /** What the Worker answered to an upgrade; `socket` is a tunnel or a page's socket from here on if that was 101. */
  upgraded(door: TrafficDoor, status: number, socket: Duplex): void {
    this.requests.add(`${door} ${classOf(status)}`);
    if (status !== 101 || door !== "agents") return;
    this.#openedTunnels += 1;
    this.#tunnels.add(socket);
    socket.once("close", () => this.#tunnels.delete(socket));
  }

  tlsRefused(reason: TlsRefusal): void {
    this.tlsRefusals.add(reason);
  }

  get connections(): number {
    return this.#connections.size;
  }

  get tunnels(): number {
    return this.#tunnels.size;
  }

  get openedTunnels(): number {
    return this.#openedTunnels;
  }

  get refusedConnections(): number {
    return this.#refusedConnections;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Takes no new connection; what is under way goes on, and each kept connection ends with its next answer. */
  stopAccepting(): void {
    this.#isDraining = true;
    for (const server of this.#servers) server.close();
  }

  /** False when something was still under way in the end. */
  async settled(what: "requests" | "tunnels", milliseconds: number): Promise<boolean> {
    const open = what === "requests" ? this.#answering : this.#tunnels;
    const until = performance.now() + milliseconds;
    while (open.size > 0 && performance.now() < until) await sleep(LOOK_MILLISECONDS);
    return open.size === 0;
  }

  #connected(socket: Socket): void {
    if (this.#connections.size >= this.#options.maxConnections || this.#isDraining) return this.#refuse(socket);
    this.#connections.add(socket);
    socket.once("close", () => this.#connections.delete(socket));
  }

  #refuse(socket: Socket): void {
    socket.destroy();
    this.#refusedConnections += 1;
    if (this.#isDraining || performance.now() - this.#saidFullAt < SAY_AGAIN_MILLISECONDS) return;
    this.#saidFullAt = performance.now();
    this.#options.onFull();
  }

  #requested(door: TrafficDoor, { method, url }: IncomingMessage, response: ServerResponse): void {
    if (this.#isDraining) response.shouldKeepAlive = false;
    this.#answering.add(response);
    response.once("close", () => {
      this.#answering.delete(response);
      const status = response.headersSent ? classOf(response.statusCode) : "aborted";
      this.requests.add(`${door} ${status}`);
      if (door === "agents" && method === "POST" && url === "/join") this.joins.add(status);
    });
  }
}

/** How often each of a closed list of things happened. */
export class Counts<Key extends string> {
  readonly #counts = new Map<Key, number>();

  add(key: Key): void {
    this.#counts.set(key, this.of(key) + 1);
  }

  of(key: Key): number {
    return this.#counts.get(key) ?? 0;
  }
}

function classOf(status: number): StatusClass {
  if (status < 200) return "1xx";
  if (status < 300) return "2xx";
  if (status < 400) return "3xx";
  return status < 500 ? "4xx" : "5xx";
}

function refusalOf(error: Error): TlsRefusal {
  const code = systemCode(error);
  if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") return "handshake_timeout";
  return code === "ERR_SSL_UNSUPPORTED_PROTOCOL" ? "protocol_version" : "handshake";
}

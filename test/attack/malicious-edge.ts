/**
 * The malicious edge: a scripted TLS listener that agents dial, in possession of every secret an edge has (its TLS
 * authority, the authority of client certificates, the dispatch and ledger keys) and in control of every frame, its
 * order and its time. It knows no rule that the attacker did not write.
 */
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { WebSocketServer, type WebSocket } from "ws";
import { makeAuthority, makeServerCertificate, type KeyPair } from "../../agent/edge/certificates.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { outwardFrames, PING, PONG, type InwardFrame } from "../../protocol/tunnel.ts";
import { issueClient, type ClientCertificate } from "../agent/edge/fixtures/client-certificates.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { places, type Place } from "./deployment.ts";
import type { Happenings } from "./happenings.ts";

/** All key material of layer 1, the attacker's and the honest edge's alike. */
export interface TlsMaterial {
  readonly place: Place;
  readonly edgeAuthority: KeyPair;
  readonly agentAuthority: KeyPair;
  readonly server: KeyPair;
  readonly client: ClientCertificate;
  /** A certificate of the right authority for another host. */
  readonly otherClient: ClientCertificate;
}

export async function makeTlsMaterial(place: Place = places.local, now = new Date()): Promise<TlsMaterial> {
  const edgeAuthority = await makeAuthority("edge", now);
  const agentAuthority = await makeAuthority("agents", now);
  return {
    place,
    edgeAuthority,
    agentAuthority,
    server: await makeServerCertificate(edgeAuthority, [place.host], now),
    client: await issueClient(agentAuthority),
    otherClient: await issueClient(agentAuthority, { name: "CN=host-2" }),
  };
}

export interface Listening {
  readonly server: KeyPair;
  /** The local one when absent. */
  readonly address?: string;
  /** Lower versions only for the downgrade attack. */
  readonly versions?: { readonly minVersion: "TLSv1.2"; readonly maxVersion: "TLSv1.2" };
}

let tunnels = 0;

/** One connection of an agent, as the attacker holds it. */
export class Tunnel {
  readonly edgeNonce: string;
  readonly tunnel: string;
  readonly certFingerprint: string;
  /** Resolves once the happenings say that it closed. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, certFingerprint: string, happenings: Happenings) {
    tunnels += 1;
    this.edgeNonce = nonceOf(`edge nonce ${String(tunnels)}`);
    this.tunnel = nonceOf(`tunnel ${String(tunnels)}`);
    this.certFingerprint = certFingerprint;
    this.#socket = socket;
    socket.on("error", () => undefined); // the close that follows says it
    socket.on("message", (data) => {
      const text = (data as Buffer).toString("utf8");
      if (text === PING) return socket.send(PONG);
      if (text !== PONG) happenings.push({ kind: "frame", frame: outwardFrames.decode(text) });
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        happenings.push({ kind: "closed", code, reason: reason.toString("utf8") });
        resolve();
      });
    });
  }

  /** Frames of no kind, too: the attacker's encoder has no schema. */
  send(frame: InwardFrame | Readonly<Record<string, unknown>>): void {
    this.sendRaw(utf8Text(encodeCanonical(frame)));
  }

  sendRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  ping(): void {
    this.#socket.ping();
  }

  cut(): void {
    this.#socket.terminate();
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }
}

export class MaliciousEdge {
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #ready: Tunnel[] = [];
  readonly #wanting: ((tunnel: Tunnel) => void)[] = [];

  private constructor(server: Server, sockets: WebSocketServer) {
    this.#server = server;
    this.#sockets = sockets;
  }

  static async listen({ server: pair, versions, address }: Listening, happenings: Happenings): Promise<MaliciousEdge> {
    const server = createServer({
      key: pair.key,
      cert: pair.certificate,
      requestCert: true,
      rejectUnauthorized: false,
      ...(versions ?? { minVersion: "TLSv1.3" as const }),
    });
    const sockets = new WebSocketServer({ server, path: "/tunnel", perMessageDeflate: false });
    const edge = new MaliciousEdge(server, sockets);
    sockets.on("connection", (socket, request) => {
      const certificate = (request.socket as TLSSocket).getPeerCertificate();
      const fingerprint = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
      edge.#arrive(new Tunnel(socket, fingerprint, happenings));
    });
    await new Promise<void>((resolve) => server.listen(0, address ?? places.local.address, resolve));
    return edge;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #arrive(tunnel: Tunnel): void {
    const wanting = this.#wanting.shift();
    if (wanting === undefined) this.#ready.push(tunnel);
    else wanting(tunnel);
  }

  /** The next connection of the agent, already there or to come. */
  async next(): Promise<Tunnel> {
    for (;;) {
      const ready = this.#ready.shift() ?? (await new Promise<Tunnel>((resolve) => this.#wanting.push(resolve)));
      if (ready.isOpen) return ready; // one that an earlier process left behind is no connection any more
    }
  }

  /** Forgets connections of a process that has ended. */
  forget(): void {
    for (const tunnel of this.#ready.splice(0)) tunnel.cut();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#sockets.close(() => this.#server.close(() => resolve())));
  }
}

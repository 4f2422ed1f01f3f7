/**
 * Opens the one kind of connection that leaves this host: TLS 1.3 to the edge, straight or through an HTTP proxy that sees
 * nothing but whom we talk to. Whoever asks says whom to trust; a proxy changes nothing about that. Sends no byte of ours
 * before the edge's certificate has verified.
 */
import { request as requestPlain, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent, request as requestTls } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { DialError } from "./dial-error.ts";
import type { Endpoint } from "./endpoint.ts";
import { authorityOf, proxyFor, type Environment, type Proxy } from "./proxy.ts";

export interface Dialling {
  readonly endpoint: Endpoint;
  readonly environment: Environment;
  /** Key, certificate, authority. The name, the version and the addresses are this file's business. */
  readonly tls: Pick<ConnectionOptions, "key" | "cert" | "ca" | "rejectUnauthorized" | "ALPNProtocols">;
  readonly signal?: AbortSignal;
}

/** From the first packet to the edge's verified certificate, proxy included. */
export const DIAL_MILLISECONDS = 10_000;
/** A name with several addresses: the next one is tried when one has not answered by then (dead IPv6 is common). */
const NEXT_ADDRESS_MILLISECONDS = 1_000;
const FAMILIES = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MILLISECONDS } as const;
const MAX_PROXY_HEADER_BYTES = 8_192;

/** Rejects with an error that has a code. */
export async function dial(dialling: Dialling): Promise<TLSSocket> {
  const { endpoint, environment, signal } = dialling;
  const deadline = AbortSignal.any([AbortSignal.timeout(DIAL_MILLISECONDS), ...(signal === undefined ? [] : [signal])]);
  const proxy = proxyFor(endpoint, environment);
  const way = proxy === undefined ? undefined : await openTunnel(proxy, endpoint, deadline);
  return settled(deadline, (done, fail) => {
    const { hostname: host, port, servername } = endpoint;
    const socket = connectTls({
      ...dialling.tls,
      host,
      port,
      ...(servername === undefined ? {} : { servername }),
      ...(way === undefined ? FAMILIES : { socket: way }),
      minVersion: "TLSv1.3",
    });
    socket.on("secureConnect", () => done(socket));
    socket.on("error", fail);
    socket.on("close", () => fail(new DialError("ECONNRESET")));
    return socket;
  });
}

/** Whether anybody accepts connections at an address: the edge's, or that of the proxy in front of it. */
export function knock({ hostname: host, port }: Pick<Endpoint, "hostname" | "port">): Promise<void> {
  return settled(AbortSignal.timeout(DIAL_MILLISECONDS), (done, fail) => {
    const socket = connectTcp({ host, port, ...FAMILIES });
    socket.on("error", fail);
    socket.on("connect", () => {
      done();
      socket.destroy();
    });
    return socket;
  });
}

/** Asks the proxy for a way to the edge. @throws {DialError} */
export function openTunnel(proxy: Proxy, endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
  return settled(signal, (done, fail) => {
    const asked = askProxy(proxy, authorityOf(endpoint));
    asked.on("connect", (response: IncomingMessage, socket: Socket, head: Buffer) => {
      // TLS begins with us: a proxy that has something to say first is no way to the edge.
      if (response.statusCode === 200 && head.length === 0) return done(socket);
      socket.destroy();
      fail(new DialError(response.statusCode === 407 ? "proxy_credentials" : "proxy_refused"));
    });
    asked.on("error", () => fail(new DialError("proxy_unreachable")));
    asked.end();
    return asked;
  });
}

function askProxy({ hostname, port, isTls, authorization }: Proxy, authority: string): ClientRequest {
  const options = {
    host: hostname,
    port,
    method: "CONNECT",
    path: authority,
    agent: false,
    headers: { host: authority, ...(authorization === undefined ? {} : { "proxy-authorization": authorization }) },
    maxHeaderSize: MAX_PROXY_HEADER_BYTES,
    ...FAMILIES,
  } as const;
  return isTls ? requestTls(options) : requestPlain(options);
}

type Start<T> = (done: (value: T) => void, fail: (error: Error) => void) => { destroy(): unknown };

/** The result, or the first failure, or the end of patience; whoever loses is destroyed. */
function settled<T>(signal: AbortSignal, start: Start<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let isSettled = false;
    const end = (): boolean => {
      const isFirst = !isSettled;
      isSettled = true;
      signal.removeEventListener("abort", stop);
      return isFirst;
    };
    const fail = (error: Error): void => {
      if (!end()) return; // whoever holds the connection by now hears of it
      begun.destroy();
      reject(error);
    };
    const stop = (): void => fail(new DialError("ETIMEDOUT"));
    const begun = start((value) => {
      if (end()) resolve(value);
    }, fail);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop);
  });
}

/** For one request that needs such a connection. */
export class EdgeAgent extends Agent {
  readonly #dialling: Dialling;

  constructor(dialling: Dialling) {
    super({ keepAlive: false });
    this.#dialling = dialling;
  }

  override createConnection(_options: unknown, created?: (error: Error | null, socket: Duplex) => void): undefined {
    dial(this.#dialling).then(
      (socket) => created?.(null, socket),
      // There is no socket to give beside an error, and nobody looks for one.
      (error: unknown) => created?.(error instanceof Error ? error : new DialError("protocol"), undefined as never),
    );
    return undefined;
  }
}

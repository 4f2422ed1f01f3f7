/**
 * One tunnel socket: TLS 1.3 with our client certificate, the edge's authority pinned, text frames of bounded size. It
 * understands nothing of what passes through; it only keeps the socket honest and alive.
 */
import type { IncomingMessage } from "node:http";
import { WebSocket, type RawData } from "ws";
import { MAX_FRAME_BYTES } from "../../../protocol/limits.ts";
import { PING, PONG } from "../../../protocol/tunnel.ts";
import { systemCode } from "../../shared/edge-error.ts";
import type { TlsFile } from "../state.ts";

export interface SocketOptions {
  /** wss://host:port */
  readonly edge: string;
  readonly tls: TlsFile;
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly onEnd: (ending: SocketEnding) => void;
  readonly keepAliveMilliseconds?: number;
}

/** Why a socket is over. `refused`: the edge answered the upgrade with a problem. */
export type SocketEnding =
  | { readonly kind: "closed"; readonly code: number }
  | { readonly kind: "refused"; readonly status: number; readonly code: string }
  | { readonly kind: "failed"; readonly code: string };

export interface TunnelSocket {
  /** False when it is not open or holds too much that the other end has not taken. */
  send(text: string): boolean;
  close(code: number, reason: string): void;
}

const HANDSHAKE_MILLISECONDS = 10_000;
/** Below the idle limits of the proxies in front of any edge. */
const KEEP_ALIVE_MILLISECONDS = 25_000;
/** A close frame that is not answered by then: the other end is gone. */
const CLOSE_MILLISECONDS = 1_000;
/** More than the receipts of a bad day; a peer that stopped reading must not cost us memory. */
const MAX_BUFFERED_BYTES = 4_194_304;
const MAX_PROBLEM_CHARACTERS = 4_096;
const POLICY_VIOLATION = 1008;

export function openSocket(options: SocketOptions): TunnelSocket {
  const socket = dial(options);
  const close = (code: number, reason: string): void => {
    if (socket.readyState === WebSocket.CONNECTING || socket.readyState === WebSocket.CLOSED) return socket.terminate();
    socket.close(code, reason);
    setTimeout(() => socket.terminate(), CLOSE_MILLISECONDS).unref();
  };
  listen(socket, options, close);
  return {
    send(text) {
      if (socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > MAX_BUFFERED_BYTES) return false;
      socket.send(text);
      return true;
    },
    close,
  };
}

function dial({ edge, tls }: SocketOptions): WebSocket {
  return new WebSocket(`${edge}/tunnel`, {
    key: tls.key,
    cert: tls.certificate,
    ...(tls.edgeCa === undefined ? {} : { ca: tls.edgeCa }),
    minVersion: "TLSv1.3",
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
    handshakeTimeout: HANDSHAKE_MILLISECONDS,
    followRedirects: false,
  });
}

function listen(socket: WebSocket, options: SocketOptions, close: TunnelSocket["close"]): void {
  const end = once(options.onEnd);
  const alive = keepAlive(socket, options.keepAliveMilliseconds ?? KEEP_ALIVE_MILLISECONDS);
  socket.on("open", () => {
    alive.start();
    options.onOpen();
  });
  socket.on("message", (data: RawData, isBinary: boolean) => {
    alive.heard();
    if (isBinary || !Buffer.isBuffer(data)) return close(POLICY_VIOLATION, "binary");
    const text = data.toString("utf8");
    if (text === PONG) return;
    // The edge asks this way whether a second connection is a clone of us.
    if (text === PING) return socket.send(PONG);
    options.onText(text);
  });
  socket.on("unexpected-response", (_request, response: IncomingMessage) => {
    void readProblem(response).then((code) => {
      end({ kind: "refused", status: response.statusCode ?? 0, code });
      socket.terminate();
    });
  });
  socket.on("error", (error: Error) => end({ kind: "failed", code: systemCode(error) ?? "protocol" }));
  socket.on("close", (code: number) => {
    alive.stop();
    end({ kind: "closed", code });
  });
}

/** An answer within one interval, or the connection is half open and is cut. */
function keepAlive(socket: WebSocket, milliseconds: number) {
  let timer: NodeJS.Timeout | undefined;
  let isWaiting = false;
  const beat = (): void => {
    if (isWaiting) return socket.terminate();
    isWaiting = true;
    socket.send(PING);
  };
  return {
    start: () => {
      timer = setInterval(beat, milliseconds);
    },
    heard: () => {
      isWaiting = false;
    },
    stop: () => clearInterval(timer),
  };
}

/** The code of a problem document; its prose stays unread. */
function readProblem(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > MAX_PROBLEM_CHARACTERS) response.destroy();
    });
    const done = (): void => resolve(/"code":\s*"([a-z][a-z0-9_.]{0,48})"/.exec(text)?.[1] ?? "unknown");
    response.on("end", done);
    response.on("error", done);
    response.on("close", done);
  });
}

function once<T>(callback: (value: T) => void): (value: T) => void {
  let isDone = false;
  return (value) => {
    if (isDone) return;
    isDone = true;
    callback(value);
  };
}

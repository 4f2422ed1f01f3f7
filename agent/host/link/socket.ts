/**
 * One tunnel socket: TLS 1.3 with our client certificate, the edge's authority pinned, text frames of bounded size. It
 * understands nothing of what passes through; it only keeps the socket honest and alive.
 */
import type { IncomingMessage } from "node:http";
import { WebSocket, type RawData } from "ws";
import { KEEP_ALIVE_SECONDS, LIFE_CHECK_SECONDS, MAX_FRAME_BYTES } from "../../../protocol/limits.ts";
import { PING, PONG } from "../../../protocol/tunnel.ts";
import { systemCode } from "../../shared/edge-error.ts";
import type { TlsFile } from "../state.ts";
import { EdgeAgent } from "./dial.ts";
import { parseEndpoint } from "./endpoint.ts";
import type { Environment } from "./proxy.ts";

export interface SocketOptions {
  /** wss://host:port */
  readonly edge: string;
  readonly tls: TlsFile;
  /** Names the HTTP proxy, if there is one. */
  readonly environment: Environment;
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

/** `stalled`: it holds so much that the other end has not taken that nothing more is added. */
export type Sent = "sent" | "closed" | "stalled";

export interface TunnelSocket {
  send(text: string): Sent;
  /** Asks for a sign of life now; without one soon, the connection is cut. */
  check(): void;
  /** Reads no more until `resume`: the other end feels it, as TCP means it to. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
}

const HANDSHAKE_MILLISECONDS = 10_000;
/** A close frame that is not answered by then: the other end is gone. */
const CLOSE_MILLISECONDS = 1_000;
/** More than the receipts of a bad day; a peer that stopped reading must not cost us memory. */
export const MAX_BUFFERED_BYTES = 4_194_304;
/** Pings and pongs, WebSocket's own and ours: an honest edge and the proxies before it send a few. */
const MAX_SIGNS_OF_LIFE_PER_MINUTE = 600;
/** A message in more pieces than this is somebody's game with our memory; ours come in one. */
const MAX_FRAGMENTS = 64;
const MINUTE_MILLISECONDS = 60_000;
const MAX_PROBLEM_CHARACTERS = 4_096;
const POLICY_VIOLATION = 1008;

export function openSocket(options: SocketOptions): TunnelSocket {
  const abandon = new AbortController();
  const socket = connect(options, abandon.signal);
  const close = (code: number, reason: string): void => {
    abandon.abort();
    if (socket.readyState === WebSocket.CONNECTING || socket.readyState === WebSocket.CLOSED) return socket.terminate();
    socket.close(code, reason);
    setTimeout(() => socket.terminate(), CLOSE_MILLISECONDS).unref();
  };
  const alive = keepAlive(socket, options.keepAliveMilliseconds ?? KEEP_ALIVE_SECONDS * 1_000);
  listen(socket, { options, alive, close });
  return {
    send(text) {
      if (socket.readyState !== WebSocket.OPEN) return "closed";
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return "stalled";
      socket.send(text);
      return "sent";
    },
    check: () => alive.check(),
    pause: () => socket.pause(),
    resume: () => {
      alive.heard(); // whatever it said meanwhile lies unread
      socket.resume();
    },
    close,
  };
}

function connect({ edge, tls, environment }: SocketOptions, signal: AbortSignal): WebSocket {
  const { key, certificate: cert, edgeCa } = tls;
  return new WebSocket(`${edge}/tunnel`, {
    agent: new EdgeAgent({
      endpoint: parseEndpoint(edge),
      environment,
      tls: { key, cert, ...(edgeCa === undefined ? {} : { ca: edgeCa }) },
      signal,
    }),
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: MAX_FRAME_BYTES,
    maxFragments: MAX_FRAGMENTS,
    handshakeTimeout: HANDSHAKE_MILLISECONDS,
    followRedirects: false,
  });
}

interface Listening {
  readonly options: SocketOptions;
  readonly alive: KeepAlive;
  readonly close: TunnelSocket["close"];
}

function listen(socket: WebSocket, { options, alive, close }: Listening): void {
  const end = once(options.onEnd);
  const signs = signsOfLife();
  socket.on("open", () => {
    alive.start();
    options.onOpen();
  });
  socket.on("message", (data: RawData, isBinary: boolean) => {
    // What was on its way when we closed is not heard any more.
    if (socket.readyState !== WebSocket.OPEN) return;
    alive.heard();
    if (isBinary || !Buffer.isBuffer(data)) return close(POLICY_VIOLATION, "binary");
    const text = data.toString("utf8");
    if (text !== PING && text !== PONG) return options.onText(text);
    if (!signs.admits()) return close(POLICY_VIOLATION, "flood");
    // The edge asks this way whether we live.
    if (text === PING) socket.send(PONG);
  });
  const control = (answer: () => void): void => {
    if (!signs.admits()) return close(POLICY_VIOLATION, "flood");
    if (socket.readyState === WebSocket.OPEN) answer();
  };
  socket.on("ping", (data: Buffer) => control(() => socket.pong(data)));
  socket.on("pong", () => control(() => alive.heard()));
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

function signsOfLife(): { admits(): boolean } {
  let minute = { began: 0, signs: 0 };
  return {
    admits() {
      const now = performance.now();
      if (now - minute.began >= MINUTE_MILLISECONDS) minute = { began: now, signs: 0 };
      minute.signs += 1;
      return minute.signs <= MAX_SIGNS_OF_LIFE_PER_MINUTE;
    },
  };
}

interface KeepAlive {
  start(): void;
  heard(): void;
  check(): void;
  stop(): void;
}

/** Something is heard within one interval of a ping, or the connection is half open and is cut. */
function keepAlive(socket: WebSocket, milliseconds: number): KeepAlive {
  let timer: NodeJS.Timeout | undefined;
  let checking: NodeJS.Timeout | undefined;
  let isWaiting = false;
  const ask = (): void => {
    isWaiting = true;
    if (socket.readyState === WebSocket.OPEN) socket.send(PING);
  };
  const cutIfSilent = (): void => {
    checking = undefined;
    if (isWaiting) socket.terminate();
  };
  return {
    start: () => {
      timer = setInterval(() => (isWaiting ? socket.terminate() : ask()), milliseconds);
    },
    heard: () => {
      isWaiting = false;
    },
    check: () => {
      if (timer === undefined || checking !== undefined) return;
      ask();
      checking = setTimeout(cutIfSilent, Math.min(milliseconds, LIFE_CHECK_SECONDS * 1_000));
    },
    stop: () => {
      clearInterval(timer);
      clearTimeout(checking);
    },
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

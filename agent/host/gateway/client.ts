/**
 * One WebSocket connection to a gateway on loopback. The peer is hostile: frames, their rate, the requests under way
 * and every wait are bounded, and whatever breaks the protocol ends the connection. It may not store or log what the
 * gateway says; answers go to the caller that asked, event names to `onEvent`, and nothing else is looked at.
 * `ws` and not the global WebSocket: that one costs 20 MB of memory in an agent that should stay small.
 */
import { connect } from "node:net";
import WebSocket from "ws";
import type { RawData } from "ws";
import { GatewayError, faultOfConnect } from "./faults.ts";
import type { GatewayFault } from "./faults.ts";
import { connectParameters } from "./handshake.ts";
import type { Challenge, Handshake } from "./handshake.ts";
import { readHello } from "./hello.ts";
import type { Hello } from "./hello.ts";
import {
  MAX_CHALLENGE_BYTES,
  MAX_FRAME_BYTES,
  MAX_PENDING_REQUESTS,
  MAX_WINDOW_BYTES,
  MAX_WINDOW_FRAMES,
  WINDOW_MILLISECONDS,
  field,
  readFrame,
} from "./wire.ts";
import type { Frame, NoticedEvent, WireError } from "./wire.ts";

/** A loopback handshake takes 20 ms; a gateway under load has been seen to need two seconds. */
export const CONNECT_MILLISECONDS = 10_000;
/** The slowest request that we make took 850 ms. */
export const REQUEST_MILLISECONDS = 10_000;
/** A gateway ticks every 30 s and answers pings at once: three silent beats mean that it hangs. */
const BEAT_MILLISECONDS = 15_000;
const SILENT_BEATS = 3;
/** A peer that sends pings and does not read our pongs would make us buffer them. */
const MAX_UNSENT_BYTES = 1_048_576;
/** A restart announces itself with this close code. */
const CLOSE_SERVICE_RESTART = 1012;

export interface ConnectOptions {
  /** ws:// on a loopback address; discovery has checked it. */
  readonly url: string;
  /** A unix socket with that address behind it, where there is no other way. */
  readonly socket?: string | undefined;
  readonly handshake: Handshake;
  readonly onEvent?: (name: NoticedEvent) => void;
  readonly connectMilliseconds?: number;
  readonly requestMilliseconds?: number;
}

export interface CallOptions {
  /** For runs: skip the first answer ("accepted") and wait for the last. */
  readonly final?: boolean;
  readonly milliseconds?: number;
}

export interface Ending {
  readonly fault: GatewayFault;
  /** The gateway said that it restarts. */
  readonly restartExpected: boolean;
}

export interface GatewayConnection {
  readonly hello: Hello;
  /** Resolves with the unread payload: the caller picks the fields that it may keep. */
  call(method: string, parameters: object, options?: CallOptions): Promise<unknown>;
  close(): void;
  readonly ended: Promise<Ending>;
}

interface Pending {
  readonly final: boolean;
  readonly timer: NodeJS.Timeout;
  resolve(payload: unknown): void;
  reject(error: GatewayError): void;
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: GatewayError) => void;
}

function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, "promise"> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  if (settle === undefined) throw new TypeError("a promise runs its executor at once");
  return { promise, resolve: settle.resolve, reject: settle.reject };
}

/** Connects, proves the device, and resolves after the gateway's hello. Rejects with a `GatewayError`. */
export async function openGateway(options: ConnectOptions): Promise<GatewayConnection> {
  const wire = new Wire(options);
  try {
    const challenge = await wire.challenge;
    const asked = options.handshake.scopes;
    const payload = await wire.request("connect", connectParameters(options.handshake, challenge), {});
    const hello = readHello(payload, asked);
    wire.established();
    return {
      hello,
      call: (method, parameters, how = {}) => wire.request(method, parameters, how),
      close: () => wire.end("closed"),
      ended: wire.ended,
    };
  } catch (error) {
    wire.end("closed");
    throw error;
  }
}

function throughSocket(path: string | undefined): WebSocket.ClientOptions {
  return path === undefined ? {} : { createConnection: () => connect(path) };
}

class Wire {
  readonly challenge: Promise<Challenge>;
  readonly ended: Promise<Ending>;
  readonly #socket: WebSocket;
  readonly #pending = new Map<string, Pending>();
  readonly #requestMilliseconds: number;
  readonly #onEvent: ((name: NoticedEvent) => void) | undefined;
  readonly #challenged = deferred<Challenge>();
  readonly #over = deferred<Ending>();
  readonly #deadline: NodeJS.Timeout;
  readonly #beat: NodeJS.Timeout;
  #hasHello = false;
  #isOver = false;
  #restartExpected = false;
  #lastRequest = 0;
  #silentBeats = 0;
  #window = { since: performance.now(), bytes: 0, frames: 0 };
  #whyEnded: GatewayFault = "closed";

  constructor(options: ConnectOptions) {
    this.challenge = this.#challenged.promise;
    this.ended = this.#over.promise;
    this.#requestMilliseconds = options.requestMilliseconds ?? REQUEST_MILLISECONDS;
    this.#onEvent = options.onEvent;
    const patience = options.connectMilliseconds ?? CONNECT_MILLISECONDS;
    // The challenge is awaited by openGateway; this keeps a rejection that comes first from being "unhandled".
    this.challenge.catch(() => undefined);
    this.#deadline = setTimeout(() => this.end("timeout"), patience);
    this.#beat = setInterval(() => this.#checkBeat(), BEAT_MILLISECONDS);
    this.#beat.unref();
    this.#socket = new WebSocket(options.url, {
      handshakeTimeout: patience,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
      ...throughSocket(options.socket),
    });
    this.#listen();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("ping", (data) => this.#count(data.byteLength));
    socket.on("pong", (data) => this.#count(data.byteLength));
    socket.on("unexpected-response", (request, response) => {
      response.destroy();
      request.destroy();
      this.end(faultOfStatus(response.statusCode));
    });
    socket.on("error", (error: NodeJS.ErrnoException) => this.end(faultOfSocket(error.code)));
    socket.on("close", (code) => {
      if (code === CLOSE_SERVICE_RESTART) this.#restartExpected = true;
      this.end("closed");
    });
  }

  /** From here on waits are per request, and silence is watched. */
  established(): void {
    this.#hasHello = true;
    clearTimeout(this.#deadline);
  }

  request(method: string, parameters: object, options: CallOptions): Promise<unknown> {
    if (this.#isOver) return Promise.reject(new GatewayError(this.#whyEnded));
    if (this.#pending.size >= MAX_PENDING_REQUESTS) return Promise.reject(new GatewayError("busy"));
    this.#lastRequest += 1;
    const id = String(this.#lastRequest);
    const { promise, resolve, reject } = deferred<unknown>();
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      reject(new GatewayError("timeout"));
    }, options.milliseconds ?? this.#requestMilliseconds);
    this.#pending.set(id, { final: options.final === true, timer, resolve, reject });
    this.#socket.send(JSON.stringify({ type: "req", id, method, params: parameters }), (error) => {
      if (error) this.end("closed");
    });
    return promise;
  }

  /** Ends the connection once; the first reason stands. */
  end(fault: GatewayFault): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#whyEnded = fault;
    clearTimeout(this.#deadline);
    clearInterval(this.#beat);
    const error = new GatewayError(fault);
    this.#challenged.reject(error);
    for (const waiting of this.#pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(error);
    }
    this.#pending.clear();
    // A friendly close frame would wait for a peer that may never answer: cut after it is sent.
    if (fault === "closed" && this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
    setTimeout(() => this.#socket.terminate(), fault === "closed" ? 500 : 0).unref();
    this.#over.resolve({ fault, restartExpected: this.#restartExpected });
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    // `ws` hands over one Buffer unless told otherwise; anything else is a programmer's mistake.
    if (!(data instanceof Uint8Array)) throw new TypeError("expected one buffer per message");
    if (!this.#count(data.byteLength)) return;
    if (isBinary || (!this.#hasHello && data.byteLength > MAX_CHALLENGE_BYTES)) return this.end("hostile");
    this.#take(readFrame(data));
  }

  #take(frame: Frame): void {
    if (frame.kind === "broken") return this.end("hostile");
    if (frame.kind === "ignored") return;
    if (frame.kind === "challenge") return this.#challenged.resolve({ nonce: frame.nonce, at: frame.at });
    if (frame.kind === "event") {
      if (frame.restartExpected) this.#restartExpected = true;
      if (this.#hasHello) this.#onEvent?.(frame.name);
      return;
    }
    const waiting = this.#pending.get(frame.id);
    if (waiting === undefined) return;
    if (frame.ok && waiting.final && field(frame.payload, "status") === "accepted") return;
    this.#pending.delete(frame.id);
    clearTimeout(waiting.timer);
    if (frame.ok) waiting.resolve(frame.payload);
    else waiting.reject(this.#hasHello ? refusalOf(frame.error) : refusedConnect(frame.error));
  }

  /** Counts what arrives; false when the peer floods us, and then the connection is over. */
  #count(bytes: number): boolean {
    this.#silentBeats = 0;
    const now = performance.now();
    if (now - this.#window.since > WINDOW_MILLISECONDS) this.#window = { since: now, bytes: 0, frames: 0 };
    this.#window.bytes += bytes;
    this.#window.frames += 1;
    const flooded = this.#window.bytes > MAX_WINDOW_BYTES || this.#window.frames > MAX_WINDOW_FRAMES;
    if (!flooded && this.#socket.bufferedAmount <= MAX_UNSENT_BYTES) return true;
    this.end("hostile");
    return false;
  }

  #checkBeat(): void {
    this.#silentBeats += 1;
    if (this.#silentBeats > SILENT_BEATS) return this.end("timeout");
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }
}

function refusedConnect(error: WireError): GatewayError {
  return new GatewayError(faultOfConnect(error.code, error.detail), error.detail ?? error.code);
}

/** `UNAVAILABLE` is how a gateway says that it starts, drains or is suspended. */
function refusalOf(error: WireError): GatewayError {
  return new GatewayError(error.code === "UNAVAILABLE" ? "starting" : "refused", error.detail ?? error.code);
}

function faultOfStatus(status: number | undefined): GatewayFault {
  if (status === 503) return "starting";
  return status === 401 || status === 403 ? "unauthorized" : "hostile";
}

function faultOfSocket(code: string | undefined): GatewayFault {
  if (code === undefined) return "timeout";
  if (code.startsWith("WS_ERR_") || code.startsWith("HPE_")) return "hostile";
  return "unreachable";
}

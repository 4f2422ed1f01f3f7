/**
 * The link's end of the socket to the warden: a warden in another process, in the shape in which the link knows it. The
 * warden ends itself when nothing is under way, and then the next frame starts it again on the same tunnel; when it ends
 * in any other way the tunnel ends too, because what it knew of it is gone.
 */
import { connect, type Socket } from "node:net";
import { X509Certificate } from "node:crypto";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import type { InwardFrame, OutwardFrame } from "../../../protocol/tunnel.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { TunnelViolation } from "../warden/connection.ts";
import type { CertificateKeeper } from "../warden/renewal.ts";
import type { Warden, WardenTunnel } from "../warden/warden.ts";
import {
  toLinkCodec,
  toLinkLimits,
  toWardenCodec,
  type Standing,
  type ToLink,
  type ToWarden,
} from "./link-messages.ts";
import { Port } from "./port.ts";

export interface LinkPortDeps {
  /** The warden's socket. */
  readonly path: string;
  readonly keeper: CertificateKeeper;
  /** There is a newer pair that was not welcomed yet. */
  readonly hasNewer: () => boolean;
  readonly isReaderRefused: () => boolean;
  readonly onStanding: (standing: Standing) => void;
  /** The warden went away under a tunnel: that one must end. */
  readonly onLost: () => void;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly log: (line: Readonly<Record<string, string>>) => void;
  readonly onFault: (error: unknown) => void;
}

/** Between two tries: a warden that cannot start must not be started without end. */
const RETRY_MILLISECONDS = 2_000;

type Port_ = Port<ToLink, ToWarden>;

/** What became of a frame. */
type Answer = "taken" | "asleep" | "lost" | TunnelViolation;

class Tunnel {
  readonly number: number;
  readonly fingerprint: string;
  readonly send: (frame: OutwardFrame) => void;
  isWelcomed = false;
  isClosed = false;
  /** On which conversation the warden knows it. */
  port: Port_ | undefined;
  settle: ((answer: Answer) => void) | undefined;
  opened: ((isWelcomed: boolean | undefined) => void) | undefined;

  constructor(number: number, fingerprint: string, send: (frame: OutwardFrame) => void) {
    this.number = number;
    this.fingerprint = fingerprint;
    this.send = send;
  }
}

export class LinkPort implements Pick<Warden, "connect"> {
  readonly #deps: LinkPortDeps;
  #port: Port_ | undefined;
  #connecting: Promise<Port_ | undefined> | undefined;
  #tunnel: Tunnel | undefined;
  #last = 0;
  #isAsleep = false;
  /** Monotonic, milliseconds. */
  #lostAt = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(deps: LinkPortDeps) {
    this.#deps = deps;
  }

  connect(send: (frame: OutwardFrame) => void, fingerprint: string): WardenTunnel {
    if (this.#tunnel !== undefined) this.#close(this.#tunnel);
    const tunnel = new Tunnel((this.#last += 1), fingerprint, send);
    this.#tunnel = tunnel;
    return {
      receive: (frame) => this.#receive(frame, tunnel),
      isWelcomed: () => tunnel.isWelcomed && !tunnel.isClosed,
      close: () => this.#close(tunnel),
    };
  }

  /** Call now and then: what is due without a frame, cosignatures and certificates among it. Starts the warden. */
  async tick(): Promise<void> {
    const tunnel = this.#tunnel;
    if (tunnel === undefined || tunnel.isClosed || !tunnel.isWelcomed) return;
    const { keeper, hasNewer, isReaderRefused } = this.#deps;
    const port = await this.#portFor(tunnel);
    const { fingerprint, from, until } = keeper.inUse();
    port?.send({
      kind: "tick",
      certificate: { fingerprint, from, until },
      hasNewer: hasNewer(),
      isReaderRefused: isReaderRefused(),
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#port?.end();
  }

  /** @throws {TunnelViolation} when the tunnel must be closed */
  async #receive(frame: InwardFrame, tunnel: Tunnel): Promise<void> {
    for (;;) {
      const port = await this.#portFor(tunnel);
      if (port === undefined || tunnel.isClosed) return;
      const answer = await this.#ask(port, frame, tunnel);
      if (answer instanceof TunnelViolation) throw answer;
      if (answer !== "asleep") return; // taken; or lost, and then the link is told to dial anew
    }
  }

  #ask(port: Port_, frame: InwardFrame, tunnel: Tunnel): Promise<Answer> {
    return new Promise((resolve) => {
      tunnel.settle = resolve;
      if (!port.send({ kind: "frame", tunnel: tunnel.number, frame })) this.#lose(tunnel);
    });
  }

  /** The conversation on which the warden knows this tunnel; undefined when the tunnel is over. */
  async #portFor(tunnel: Tunnel): Promise<Port_ | undefined> {
    while (!tunnel.isClosed && !this.#isStopped) {
      if (tunnel.port?.isOpen === true) return tunnel.port;
      const port = await this.#connected();
      if (port === undefined) await this.#deps.wait(RETRY_MILLISECONDS);
      else if (await this.#introduce(tunnel, port)) return port;
    }
    return undefined;
  }

  /** False: it is to be tried again, or the tunnel is over. */
  async #introduce(tunnel: Tunnel, port: Port_): Promise<boolean> {
    const resumes = tunnel.isWelcomed;
    const opened = new Promise<boolean | undefined>((resolve) => {
      tunnel.opened = resolve;
      const { number, fingerprint } = tunnel;
      if (!port.send({ kind: "open", tunnel: number, fingerprint, resumes })) resolve(undefined);
    });
    const isWelcomed = await opened;
    tunnel.opened = undefined;
    if (isWelcomed === undefined || tunnel.isClosed) return false;
    if (resumes && !isWelcomed) {
      this.#deps.log({ event: "tunnel_not_resumed" });
      this.#lose(tunnel);
      return false;
    }
    tunnel.port = port;
    return true;
  }

  #connected(): Promise<Port_ | undefined> {
    if (this.#port?.isOpen === true) return Promise.resolve(this.#port);
    this.#connecting ??= this.#dial().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #dial(): Promise<Port_ | undefined> {
    const { path, elapsed, onFault, log } = this.#deps;
    // A warden that dies of every tunnel is not started faster than one that cannot start.
    if (elapsed() - this.#lostAt < RETRY_MILLISECONDS) await this.#deps.wait(RETRY_MILLISECONDS);
    const socket = await dialled(path);
    if (socket === undefined) log({ event: "warden_unreachable" });
    if (socket === undefined || this.#isStopped) return undefined;
    this.#isAsleep = false;
    const port: Port_ = new Port({
      socket,
      inward: toLinkCodec,
      outward: toWardenCodec,
      limits: toLinkLimits,
      elapsed,
      onMessage: (message) => this.#take(message, port),
      onEnd: (ending) => {
        if (ending !== "closed") log({ event: "warden_refused", code: ending });
        this.#ended(port);
      },
      onFault,
    });
    this.#port = port;
    return port;
  }

  #take(message: ToLink, port: Port_): Promise<void> | void {
    const { keeper, onStanding } = this.#deps;
    if ("tunnel" in message) return this.#ofTunnel(message);
    switch (message.kind) {
      case "standing":
        return onStanding(message.standing);
      case "request":
        return this.#request(message.host, port);
      case "keep":
        return this.#keep(message);
      case "retry":
        keeper.retry();
        return;
      case "sleep":
        this.#isAsleep = true;
        port.end();
    }
  }

  #ofTunnel(message: Extract<ToLink, { tunnel: number }>): void {
    const tunnel = this.#tunnel;
    if (tunnel === undefined || message.tunnel !== tunnel.number || tunnel.isClosed) return;
    switch (message.kind) {
      case "opened":
        return tunnel.opened?.(message.isWelcomed);
      case "frame":
        return tunnel.send(message.frame);
      case "taken":
        tunnel.isWelcomed = message.isWelcomed;
        return this.#settle(tunnel, "taken");
      case "violation":
        return this.#settle(tunnel, new TunnelViolation(message.code));
    }
  }

  async #request(host: string, port: Port_): Promise<void> {
    const { publicKey, csr } = await this.#deps.keeper.makeRequest(host);
    port.send({ kind: "requested", publicKey: toBase64url(publicKey), csr: toBase64url(csr) });
  }

  #keep({ publicKey, certificate }: Extract<ToLink, { kind: "keep" }>): void {
    try {
      const pem = new X509Certificate(fromBase64url(certificate)).toString();
      this.#deps.keeper.keep({ publicKey: fromBase64url(publicKey), certificate: pem });
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      this.#deps.log({ event: "certificate_not_written" }); // the one in use stays; asked for again in an hour
    }
  }

  #ended(port: Port_): void {
    if (this.#port === port) this.#port = undefined;
    const tunnel = this.#tunnel;
    if (tunnel === undefined || tunnel.isClosed) return;
    tunnel.opened?.(undefined);
    if (tunnel.port !== port) return;
    tunnel.port = undefined;
    if (this.#isAsleep) this.#settle(tunnel, "asleep");
    else this.#lose(tunnel);
  }

  #lose(tunnel: Tunnel): void {
    this.#settle(tunnel, "lost");
    tunnel.isClosed = true;
    this.#lostAt = this.#deps.elapsed();
    if (!this.#isStopped) this.#deps.onLost();
  }

  #close(tunnel: Tunnel): void {
    if (tunnel.isClosed) return;
    tunnel.isClosed = true;
    if (tunnel.port?.isOpen === true) tunnel.port.send({ kind: "close", tunnel: tunnel.number });
    this.#settle(tunnel, "lost");
  }

  #settle(tunnel: Tunnel, answer: Answer): void {
    tunnel.settle?.(answer);
    tunnel.settle = undefined;
  }
}

/** Undefined when nobody listens there. */
function dialled(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

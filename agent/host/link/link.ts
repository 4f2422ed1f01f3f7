/**
 * The link: keeps one tunnel to the edge open and carries frames between it and the warden. It holds the network and
 * no authority: everything it could invent, the warden refuses.
 */
import { MalformedError } from "../../../protocol/canonical.ts";
import { TELEMETRY_SECONDS } from "../../../protocol/limits.ts";
import type { Telemetry } from "../../../protocol/telemetry.ts";
import { inwardFrames, outwardFrames, type OutwardFrame } from "../../../protocol/tunnel.ts";
import type { HostLog } from "../log.ts";
import type { TlsFile } from "../state.ts";
import { TunnelViolation } from "../warden/connection.ts";
import type { Warden, WardenTunnel } from "../warden/warden.ts";
import { BackOff } from "./back-off.ts";
import { explainClose, explainEdgeRefusal, explainNetwork } from "./explain.ts";
import { openSocket, type SocketEnding, type TunnelSocket } from "./socket.ts";

/** What the link is doing, for a person. `problem` explains why there is no tunnel. */
export type LinkState =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected" }
  | { readonly kind: "waiting"; readonly code: string; readonly problem: string };

export interface LinkDeps {
  readonly edge: string;
  readonly tls: TlsFile;
  readonly warden: Warden;
  readonly telemetry: () => Telemetry | undefined;
  readonly onState: (state: LinkState) => void;
  readonly onFault: (error: unknown) => void;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  readonly random: () => number;
  readonly log: HostLog;
  readonly keepAliveMilliseconds?: number;
}

export interface Link {
  /** Says now what `telemetry()` says: the state has changed. */
  report(): void;
  stop(): Promise<void>;
}

const NORMAL = 1000;
const POLICY_VIOLATION = 1008;
/** Frames that wait for the warden. An honest edge sends a handful at once. */
const MAX_WAITING_FRAMES = 256;

export function startLink(deps: LinkDeps): Link {
  const loop = new Loop(deps);
  const running = loop.run();
  running.catch(deps.onFault);
  return {
    report: () => loop.report(),
    stop: async () => {
      loop.stop();
      await running;
    },
  };
}

class Loop {
  readonly #deps: LinkDeps;
  readonly #backOff: BackOff;
  #isStopped = false;
  #socket: TunnelSocket | undefined;
  #tunnel: WardenTunnel | undefined;
  #wake: (() => void) | undefined;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#backOff = new BackOff(deps.random);
  }

  async run(): Promise<void> {
    const beat = setInterval(() => this.report(), TELEMETRY_SECONDS * 1_000);
    try {
      while (!this.#isStopped) {
        this.#deps.onState({ kind: "connecting" });
        const { ending, openMilliseconds } = await this.#once();
        if (this.#isStopped) break;
        this.#explain(ending);
        await this.#sleep(this.#backOff.after(openMilliseconds));
      }
    } finally {
      clearInterval(beat);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#socket?.close(NORMAL, "stop");
    this.#wake?.();
  }

  report(): void {
    const telemetry = this.#deps.telemetry();
    if (telemetry === undefined || this.#tunnel?.isWelcomed() !== true) return;
    this.#send({ kind: "telemetry", telemetry });
  }

  /** One connection, from dialling to its end. */
  #once(): Promise<{ readonly ending: SocketEnding; readonly openMilliseconds: number }> {
    return new Promise((resolve) => {
      let openedAt: number | undefined;
      const frames = new FrameQueue();
      const tunnel = this.#deps.warden.connect((frame) => this.#send(frame));
      this.#tunnel = tunnel;
      const socket = openSocket({
        edge: this.#deps.edge,
        tls: this.#deps.tls,
        ...(this.#deps.keepAliveMilliseconds === undefined
          ? {}
          : { keepAliveMilliseconds: this.#deps.keepAliveMilliseconds }),
        onOpen: () => {
          openedAt = this.#deps.elapsed();
        },
        onText: (text) => frames.push(() => this.#receive(text, tunnel, socket)),
        onEnd: (ending) => {
          tunnel.close();
          this.#socket = undefined;
          resolve({ ending, openMilliseconds: openedAt === undefined ? 0 : this.#deps.elapsed() - openedAt });
        },
      });
      frames.onFlood = () => socket.close(POLICY_VIOLATION, "flood");
      this.#socket = socket;
    });
  }

  async #receive(text: string, tunnel: WardenTunnel, socket: TunnelSocket): Promise<void> {
    const wasWelcomed = tunnel.isWelcomed();
    try {
      const frame = inwardFrames.decode(text);
      await tunnel.receive(frame);
      if (frame.kind === "drain") socket.close(NORMAL, "drain");
    } catch (error) {
      const code = violationOf(error);
      if (code === undefined) return this.#deps.onFault(error);
      this.#deps.log({ event: "tunnel_violation", code });
      return socket.close(POLICY_VIOLATION, code);
    }
    if (wasWelcomed || !tunnel.isWelcomed()) return;
    this.#deps.log({ event: "tunnel_open" });
    this.#deps.onState({ kind: "connected" });
    this.report();
  }

  #send(frame: OutwardFrame): void {
    if (this.#socket?.send(outwardFrames.encode(frame)) === false)
      this.#deps.log({ event: "frame_dropped", kind: frame.kind });
  }

  #explain(ending: SocketEnding): void {
    const problem =
      ending.kind === "refused"
        ? explainEdgeRefusal(ending.code, ending.status)
        : ending.kind === "failed"
          ? explainNetwork(ending.code)
          : explainClose(ending.code);
    const code = ending.kind === "closed" ? `closed_${String(ending.code)}` : ending.code;
    this.#deps.log({ event: "tunnel_closed", code });
    this.#deps.onState({ kind: "waiting", code, problem });
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Frames reach the warden one after the other, in the order in which they came. */
class FrameQueue {
  onFlood: () => void = () => undefined;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  push(task: () => Promise<void>): void {
    if (this.#waiting >= MAX_WAITING_FRAMES) return this.onFlood();
    this.#waiting += 1;
    this.#last = this.#last.then(task).finally(() => {
      this.#waiting -= 1;
    });
  }
}

function violationOf(error: unknown): string | undefined {
  if (error instanceof TunnelViolation) return error.code;
  return error instanceof MalformedError ? "malformed_frame" : undefined;
}

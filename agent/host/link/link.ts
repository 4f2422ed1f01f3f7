/**
 * The link: keeps one tunnel to the edge open and carries frames between it and the warden. It holds the network and
 * no authority: everything it could invent, the warden refuses.
 */
import { MalformedError } from "../../../protocol/canonical.ts";
import { FrameMeter, inwardLimits } from "../../../protocol/frame-limits.ts";
import type { Sample } from "../../../protocol/history.ts";
import { DRAIN_SPREAD_SECONDS, TELEMETRY_SECONDS } from "../../../protocol/limits.ts";
import type { Telemetry } from "../../../protocol/telemetry.ts";
import { inwardFrames, type InwardFrame } from "../../../protocol/tunnel.ts";
import type { HostLog } from "../log.ts";
import { TunnelViolation } from "../warden/connection.ts";
import type { Warden, WardenTunnel } from "../warden/warden.ts";
import { BackOff, type Ended } from "./back-off.ts";
import { explainClose, explainEdgeRefusal, explainNetwork } from "./explain.ts";
import { Histories } from "./histories.ts";
import { Outlet } from "./outlet.ts";
import { Reports } from "./reports.ts";
import type { Environment } from "./proxy.ts";
import { LOOK_MILLISECONDS, Slumber } from "./slumber.ts";
import type { Dialling, TlsPair } from "./tls-pairs.ts";
import { openSocket, type SocketEnding, type TunnelSocket } from "./socket.ts";

/** What the link is doing, for a person. `problem` explains why there is no tunnel. */
export type LinkState =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected" }
  | { readonly kind: "waiting"; readonly code: string; readonly problem: string };

export interface LinkDeps {
  readonly edge: string;
  readonly pairs: Dialling;
  /** Names the HTTP proxy, if there is one. */
  readonly environment: Environment;
  readonly warden: Pick<Warden, "connect">;
  readonly telemetry: () => Telemetry | undefined;
  /** Samples for the curves after a time, in seconds, oldest first. */
  readonly samples?: (after: number) => readonly Sample[];
  readonly onState: (state: LinkState) => void;
  /** Somebody looks at this host's figures, for so many seconds. */
  readonly onWatched?: (seconds: number) => void;
  readonly onFault: (error: unknown) => void;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  /** Milliseconds since 1970: only to notice that it jumped. */
  readonly wall: () => number;
  readonly random: () => number;
  readonly log: HostLog;
  readonly keepAliveMilliseconds?: number;
  readonly lookMilliseconds?: number;
}

export interface Link {
  /** What `telemetry()` says may have changed. */
  report(): void;
  /** There is another pair to dial with: this tunnel ends, and the next one is opened at once. */
  redial(): void;
  stop(): Promise<void>;
}

const NORMAL = 1000;
const POLICY_VIOLATION = 1008;
/** While so many frames wait for the warden nothing more is read: a long trust log takes the time it takes. */
const PAUSE_FRAMES = 64;
const RESUME_FRAMES = 16;
/** What one read from the socket can hold beyond that; more is a peer that does not notice that nobody reads. */
const MAX_WAITING_FRAMES = 8_192;
/** The other end goes away (1001) or restarts (1012), RFC 6455 and the IANA registry: many hosts hear it at once. */
const RESTART_CODES = new Set([1001, 1012]);

export function startLink(deps: LinkDeps): Link {
  const loop = new Loop(deps);
  const running = loop.run();
  running.catch(deps.onFault);
  return {
    report: () => loop.reports.changed(),
    redial: () => loop.redial(),
    stop: async () => {
      loop.stop();
      await running;
    },
  };
}

/** How a connection ended, and what the edge said of coming back. */
interface Over extends Ended {
  readonly ending: SocketEnding;
  readonly isDrained: boolean;
}

/** One tunnel while it lasts. */
interface Open {
  readonly pair: TlsPair;
  readonly socket: TunnelSocket;
  readonly tunnel: WardenTunnel;
  readonly outlet: Outlet;
  readonly meter: FrameMeter<InwardFrame["kind"]>;
  /** Seconds; undefined until the edge asks its hosts to leave. */
  drain: number | undefined;
  isWelcomed: boolean;
}

class Loop {
  readonly reports: Reports;
  readonly #histories: Histories;
  readonly #deps: LinkDeps;
  readonly #backOff: BackOff;
  #isStopped = false;
  #isRedialling = false;
  #open: Open | undefined;
  #wake: (() => void) | undefined;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#backOff = new BackOff(deps.random);
    const { telemetry, samples = () => [], elapsed } = deps;
    this.reports = new Reports({ telemetry, elapsed, send: (figures) => this.#report(figures) });
    this.#histories = new Histories({ samples, elapsed, send: (batch) => this.#tell(batch) });
  }

  async run(): Promise<void> {
    const slumber = new Slumber(this.#deps);
    const timers = [
      setInterval(() => this.#beat(), TELEMETRY_SECONDS * 1_000),
      setInterval(() => {
        if (slumber.look()) this.#awake();
      }, this.#deps.lookMilliseconds ?? LOOK_MILLISECONDS),
    ];
    try {
      while (!this.#isStopped) {
        this.#isRedialling = false;
        this.#deps.onState({ kind: "connecting" });
        const over = await this.#once();
        if (this.#isStopped) break;
        if (this.#isRedialling) continue;
        this.#explain(over);
        await this.#sleep(this.#backOff.after(over));
      }
    } finally {
      for (const timer of timers) clearInterval(timer);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#open?.socket.close(NORMAL, "stop");
    this.#wake?.();
  }

  redial(): void {
    this.#isRedialling = true;
    this.#open?.socket.close(NORMAL, "renewed");
    this.#wake?.();
  }

  #beat(): void {
    this.reports.beat();
    this.#histories.beat();
  }

  #tell(samples: Sample[]): boolean {
    if (this.#open?.tunnel.isWelcomed() !== true) return false;
    this.#open.outlet.push({ kind: "history", samples });
    return true;
  }

  #report(telemetry: Telemetry): boolean {
    if (this.#open?.tunnel.isWelcomed() !== true) return false;
    this.#open.outlet.push({ kind: "telemetry", telemetry });
    return true;
  }

  /** What was true of the network before need not be now: the tunnel is asked for life, and nobody waits to dial. */
  #awake(): void {
    this.#deps.log({ event: "woke" });
    this.#backOff.reset();
    this.#open?.socket.check();
    this.#wake?.();
  }

  /** One connection, from dialling to its end. */
  #once(): Promise<Over> {
    const { edge, pairs, environment, keepAliveMilliseconds, elapsed, warden, log } = this.#deps;
    const pair = pairs.next();
    return new Promise((resolve) => {
      let openedAt: number | undefined;
      const frames = new FrameQueue({
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        flooded: () => socket.close(POLICY_VIOLATION, "flood"),
      });
      const outlet = new Outlet({
        send: (text) => socket.send(text),
        onStalled: () => {
          log({ event: "tunnel_stalled" });
          socket.close(POLICY_VIOLATION, "stalled");
        },
        elapsed,
      });
      const tunnel = warden.connect((frame) => outlet.push(frame), pair.fingerprint);
      const socket = openSocket({
        edge,
        tls: pair.tls,
        environment,
        ...(keepAliveMilliseconds === undefined ? {} : { keepAliveMilliseconds }),
        onOpen: () => {
          openedAt = elapsed();
        },
        onText: (text) => frames.push(() => this.#receive(text, open)),
        onEnd: (ending) => {
          if (!open.isWelcomed) pairs.failed(pair, isCertificateRefused(ending));
          tunnel.close();
          outlet.close();
          this.#open = undefined;
          const openMilliseconds = openedAt === undefined ? 0 : elapsed() - openedAt;
          resolve({ ending, isDrained: open.drain !== undefined, openMilliseconds, ...spreadOf(ending, open.drain) });
        },
      });
      const open: Open = {
        pair,
        isWelcomed: false,
        socket,
        tunnel,
        outlet,
        meter: new FrameMeter(inwardLimits),
        drain: undefined,
      };
      this.#open = open;
    });
  }

  async #receive(text: string, open: Open): Promise<void> {
    const { tunnel, socket } = open;
    const wasWelcomed = tunnel.isWelcomed();
    try {
      await this.#take(inwardFrames.decode(text), open);
    } catch (error) {
      const code = violationOf(error);
      if (code === undefined) return this.#deps.onFault(error);
      this.#deps.log({ event: "tunnel_violation", code });
      return socket.close(POLICY_VIOLATION, code);
    }
    if (wasWelcomed || !tunnel.isWelcomed()) return;
    open.isWelcomed = true;
    this.#deps.pairs.welcomed(open.pair);
    this.#deps.log({ event: "tunnel_open" });
    this.#deps.onState({ kind: "connected" });
    this.reports.now();
    this.#histories.opened();
  }

  /** @throws {TunnelViolation} */
  async #take(frame: InwardFrame, open: Open): Promise<void> {
    if (!open.meter.admits(frame.kind, this.#deps.elapsed())) {
      this.#deps.log({ event: "frame_flood", kind: frame.kind });
      throw new TunnelViolation("flood");
    }
    await open.tunnel.receive(frame);
    if (frame.kind === "ack") open.outlet.confirmed(frame.receipt);
    if (frame.kind === "watch") this.#watched(frame.seconds);
    if (frame.kind !== "drain") return;
    open.drain = frame.spreadSeconds ?? DRAIN_SPREAD_SECONDS;
    open.socket.close(NORMAL, "drain");
  }

  #watched(seconds: number): void {
    this.#deps.onWatched?.(seconds);
    this.reports.watched(seconds);
    this.#histories.watched(seconds);
  }

  #explain({ ending, isDrained }: Over): void {
    const { code, problem } = isDrained ? DRAINED : explained(ending);
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

const DRAINED = {
  code: "drained",
  problem: "The edge is restarting and asked its hosts to come back in a moment. Nothing is to be done.",
} as const;

function explained(ending: SocketEnding): { readonly code: string; readonly problem: string } {
  switch (ending.kind) {
    case "refused":
      return { code: ending.code, problem: explainEdgeRefusal(ending.code, ending.status) };
    case "failed":
      return { code: ending.code, problem: explainNetwork(ending.code) };
    case "closed":
      return { code: `closed_${String(ending.code)}`, problem: explainClose(ending.code) };
  }
}

/** The edge took the certificate for no good; anything else says nothing about it. */
function isCertificateRefused(ending: SocketEnding): boolean {
  return ending.kind === "refused" && ending.code.startsWith("certificate_");
}

function spreadOf(ending: SocketEnding, drain: number | undefined): Pick<Ended, "spreadMilliseconds"> {
  if (drain !== undefined) return { spreadMilliseconds: drain * 1_000 };
  const isRestart = ending.kind === "closed" && RESTART_CODES.has(ending.code);
  return isRestart ? { spreadMilliseconds: DRAIN_SPREAD_SECONDS * 1_000 } : {};
}

interface Source {
  pause(): void;
  resume(): void;
  flooded(): void;
}

/** Frames reach the warden one after the other, in the order in which they came, and no faster than it takes them. */
class FrameQueue {
  readonly #source: Source;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isPaused = false;

  constructor(source: Source) {
    this.#source = source;
  }

  push(task: () => Promise<void>): void {
    if (this.#waiting >= MAX_WAITING_FRAMES) return this.#source.flooded();
    this.#waiting += 1;
    if (this.#waiting >= PAUSE_FRAMES && !this.#isPaused) {
      this.#isPaused = true;
      this.#source.pause();
    }
    this.#last = this.#last.then(task).finally(() => this.#done());
  }

  #done(): void {
    this.#waiting -= 1;
    if (!this.#isPaused || this.#waiting > RESUME_FRAMES) return;
    this.#isPaused = false;
    this.#source.resume();
  }
}

function violationOf(error: unknown): string | undefined {
  if (error instanceof TunnelViolation) return error.code;
  return error instanceof MalformedError ? "malformed_frame" : undefined;
}

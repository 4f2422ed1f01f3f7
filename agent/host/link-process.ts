/**
 * The link as a process of its own: the network and the TLS key, and no authority. The same link as in `clawhold host run`;
 * what stands beside it there, the warden and the reader, it reaches over two sockets. It writes one file, what `clawhold
 * status` shows.
 */
import { renewAt } from "../../protocol/renewal.ts";
import type { PostureFigures, Telemetry } from "../../protocol/telemetry.ts";
import { keeperOf } from "./certificate-keeper.ts";
import { readMachine } from "./gateway/machine.ts";
import { startLink, type Link, type LinkState } from "./link/link.ts";
import { environmentOf } from "./link/proxy.ts";
import { TlsPairs } from "./link/tls-pairs.ts";
import type { Standing } from "./ports/link-messages.ts";
import { LinkPort } from "./ports/link-port.ts";
import { ReaderEar } from "./ports/reader-client.ts";
import { withPosture } from "./posture/open.ts";
import { followFigures } from "./posture/watch.ts";
import type { RunDeps } from "./run.ts";
import { openLinkState, type HostFile } from "./state.ts";
import { writeStatus } from "./status-file.ts";
import type { HostLayout } from "./units/layout.ts";
import { wallSeconds } from "./warden/clock.ts";

export interface LinkProcessDeps extends Omit<RunDeps, "say" | "nonce" | "ownUid" | "homeDirectory"> {
  readonly layout: HostLayout;
}

export interface LinkProcess {
  /** Rejects when the link can no longer work. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** How often somebody looks whether a scan left new figures: within the minute in which a change has to be told. */
const POSTURE_MILLISECONDS = 5_000;
/** What is due without a frame is due in hours; each time starts a process. */
const TICK_MILLISECONDS = 3_600_000;
const FIRST_TELL_MILLISECONDS = 30_000;
const STATUS_MILLISECONDS = 15_000;

export function runLink(deps: LinkProcessDeps): LinkProcess {
  const { layout, log } = deps;
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined); // whoever runs the process waits for it, perhaps a little later
  const linkState = openLinkState(layout.hostFile, layout.linkState);
  const host = linkState.host();
  const pairs = new TlsPairs(linkState, log);
  const sides = new Sides({ deps, host, pairs, onFault: reject });
  sides.begin();
  log({ event: "link_started", host: host.host });
  return { failed, stop: () => sides.stop() };
}

interface SidesDeps {
  readonly deps: LinkProcessDeps;
  readonly host: HostFile;
  readonly pairs: TlsPairs;
  readonly onFault: (error: unknown) => void;
}

/** The edge on one side, warden and reader on the other. */
class Sides {
  readonly #parts: SidesDeps;
  readonly #port: LinkPort;
  readonly #ear: ReaderEar | undefined;
  readonly #link: Link;
  readonly #started: number;
  readonly #timers: NodeJS.Timeout[] = [];
  #state: LinkState = { kind: "connecting" };
  #standing: Standing | undefined;
  #refusals = 0;
  /** Monotonic, milliseconds: when the warden is told again that the reader is turned away. */
  #tellAt = Number.NEGATIVE_INFINITY;
  readonly #figures: () => PostureFigures | undefined;
  #posture: PostureFigures | undefined;

  constructor(parts: SidesDeps) {
    const { deps, host, pairs, onFault } = parts;
    const { layout, clock, wait, log } = deps;
    const elapsed = (): number => clock.monotonic();
    this.#parts = parts;
    this.#started = wallSeconds(clock);
    this.#figures = followFigures(layout.postureFigures);
    this.#port = new LinkPort({
      path: layout.wardenSocket,
      keeper: keeperOf(pairs, () => this.#link.redial()),
      hasNewer: () => pairs.hasNewer,
      isReaderRefused: () => this.#isReaderRefused(),
      onStanding: (standing) => this.#stands(standing),
      onLost: () => this.#link.redial(),
      elapsed,
      wait,
      log,
      onFault,
    });
    if (host.gateway.kind !== "none")
      this.#ear = new ReaderEar({
        path: layout.telemetrySocket,
        elapsed,
        wait,
        onFault,
        onTelemetry: () => this.#heard(),
      });
    this.#link = startLink({
      edge: host.edge,
      pairs,
      warden: this.#port,
      telemetry: () => this.#telemetry(),
      samples: (after) => this.#ear?.samples(after) ?? [],
      onState: (state) => this.#changed(state),
      onWatched: (seconds) => this.#ear?.watched(seconds),
      onFault,
      environment: environmentOf(host, deps.environment),
      elapsed,
      wall: () => clock.wall(),
      random: deps.random,
      log,
    });
  }

  begin(): void {
    const { onFault } = this.#parts;
    this.#ear?.run().catch(onFault);
    this.#timers.push(
      setInterval(() => this.#tick(), TICK_MILLISECONDS),
      setInterval(() => this.#write(), STATUS_MILLISECONDS),
      setInterval(() => this.#lookAtPosture(), POSTURE_MILLISECONDS),
    );
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#ear?.stop();
    this.#port.stop();
    await this.#link.stop();
  }

  #tick(): void {
    this.#port.tick().catch(this.#parts.onFault);
  }

  #lookAtPosture(): void {
    const figures = this.#figures();
    if (figures === this.#posture) return;
    this.#posture = figures;
    this.#link.report();
  }

  #telemetry(): Telemetry | undefined {
    return withPosture(this.#ofGateway(), this.#posture);
  }

  /** What a host without a gateway, or with one that nobody has heard of yet, says of itself. */
  #ofGateway(): Telemetry | undefined {
    const { deps, host } = this.#parts;
    const questions = this.#standing?.questions;
    const heard = this.#ear?.latest();
    if (heard !== undefined) return questions === undefined ? heard : { ...heard, questions };
    if (host.gateway.kind !== "none") return undefined;
    return {
      v: 1,
      at: wallSeconds(deps.clock),
      gateway: { state: "none", demo: false, listens: [] },
      host: { ...readMachine(), agentVersion: deps.agentVersion, oneUser: false },
    };
  }

  #isReaderRefused(): boolean {
    return this.#ear?.latest()?.gateway.state === "unauthorized";
  }

  /** A reader that is turned away is the warden's business: said at once, and then ever more rarely, for each time wakes it. */
  #heard(): void {
    const now = this.#parts.deps.clock.monotonic();
    if (!this.#isReaderRefused()) {
      this.#refusals = 0;
      this.#tellAt = now;
    } else if (now >= this.#tellAt) {
      this.#tellAt = now + Math.min(FIRST_TELL_MILLISECONDS * 2 ** this.#refusals, TICK_MILLISECONDS);
      this.#refusals += 1;
      this.#tick();
    }
    this.#link.report();
  }

  #stands(standing: Standing): void {
    this.#standing = standing;
    this.#link.report();
    this.#write();
  }

  #changed(state: LinkState): void {
    this.#state = state;
    if (state.kind === "waiting") this.#parts.deps.log({ event: "tunnel_waiting", code: state.code });
    // The warden learns of the certificates, and looks at what is due, once at the beginning of each tunnel.
    if (state.kind === "connected") setImmediate(() => this.#tick());
    if (state.kind !== "connecting") this.#write();
  }

  #write(): void {
    const { deps, host, pairs } = this.#parts;
    const { inUse } = pairs;
    const gateway = this.#ear?.latest()?.gateway.state;
    const state = this.#state;
    try {
      writeStatus(deps.layout.linkStatus, {
        v: 1,
        pid: deps.pid,
        host: host.host,
        workspace: host.workspace,
        edge: host.edge,
        started: this.#started,
        written: wallSeconds(deps.clock),
        tunnel: state.kind,
        ...(state.kind === "waiting" ? { problem: { code: state.code, sentence: state.problem } } : {}),
        ...statusOf(this.#standing),
        ...(gateway === undefined ? {} : { gateway }),
        certificateEnds: inUse.until,
        certificateRenews: renewAt(inUse, inUse.fingerprint),
      });
    } catch {
      deps.log({ event: "status_not_written" }); // a full disk must not stop the link over a courtesy
    }
  }
}

/** Before the warden has said anything it has refused and seen nothing. */
function statusOf(standing: Standing | undefined) {
  if (standing === undefined) return { admitted: false, lastReceipt: 0, unsignedRefusals: 0 };
  const { admission, trustHead, isFrozen, lastReceipt, unsignedRefusals, witness, certificateRefusal } = standing;
  return {
    admitted: admission === "admitted",
    ...(admission === "foreign-key" ? { foreignKey: true } : {}),
    ...(trustHead === undefined ? {} : { trust: { n: trustHead.n, hash: trustHead.hash } }),
    ...(isFrozen ? { frozen: true } : {}),
    lastReceipt,
    unsignedRefusals,
    witness,
    ...(certificateRefusal === undefined ? {} : { certificateRefusal }),
  };
}

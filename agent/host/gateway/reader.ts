/**
 * Watches one gateway with a connection that may only read, and hands out telemetry. It believes nothing that the
 * gateway says, keeps no content, and executes nothing; a lost or lying gateway changes what is shown and never stops
 * the loop. It may not hold the warden's device.
 */
import { userInfo } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import type { GatewayState, Telemetry } from "../../../protocol/telemetry.ts";
import type { GatewayConnection } from "./client.ts";
import { DeviceFileError } from "./device.ts";
import type { DeviceStore } from "./device.ts";
import type { GatewayTarget } from "./discover.ts";
import { GatewayError } from "./faults.ts";
import { listenersOf } from "./listening.ts";
import type { Listener } from "./listening.ts";
import { readMachine } from "./machine.ts";
import { pauseMilliseconds, stateOfFault } from "./pace.ts";
import { pollConfiguration, pollInventory, pollUsage, pollVitals } from "./poll.ts";
import type { Inventory, Vitals } from "./poll.ts";
import { probeReadiness } from "./probe.ts";
import type { Readiness } from "./probe.ts";
import { steadyUsage } from "./projection.ts";
import { reportOf } from "./report.ts";
import { openSession } from "./session.ts";
import { mayShowSecret } from "./trust.ts";

/** People look at these figures; ten seconds is as live as they need. */
export const POLL_MILLISECONDS = 10_000;
/** The slow questions are asked in every third round. */
const INVENTORY_ROUNDS = 3;
/** The configuration is the gateway's longest answer: asked when it says that it changed, and every few minutes. */
const CONFIGURATION_ROUNDS = 24;
/** The first event causes a round at once; those that follow it closely cause one more, this long after it began. */
const SETTLE_MILLISECONDS = 1_000;
/** Answers that come this close together are one message: a second one would wait for its turn on the tunnel. */
const TOGETHER_MILLISECONDS = 200;

/** Whether it ended in this time; how it ended is for whoever waits for it. */
async function isSoonOver(work: Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  const ended = work.then(
    () => true,
    () => true,
  );
  const isOver = await Promise.race([ended, wait(TOGETHER_MILLISECONDS, false, { signal: late.signal })]);
  late.abort();
  return isOver;
}

/** The day's figures stand while the gateway is away, marked as old and with their own time. */
function asStale(usage: Telemetry["usage"]): Telemetry["usage"] {
  return usage === undefined ? undefined : { ...usage, freshness: "stale" };
}

/** An unfinished usage answer is asked again after this, a few times, before the ordinary rhythm goes on. */
const UNFINISHED_MILLISECONDS = 2_000;
const UNFINISHED_ROUNDS = 5;
const MAX_USAGE_DAYS = 30;
/** Says "still so" at least this often while nothing changes. */
const HEARTBEAT_MILLISECONDS = 15_000;
/** A gateway that is not ready by then is not starting any more. */
const STARTING_MILLISECONDS = 60_000;

export interface ReaderDeps {
  /** Where the gateway is now; asked again before every connection. */
  readonly target: () => Promise<GatewayTarget>;
  readonly store: DeviceStore;
  readonly demo: boolean;
  readonly agentVersion: string;
  readonly onTelemetry: (telemetry: Telemetry) => void;
  /** Codes only; never anything that a gateway wrote. */
  readonly log: (code: string, detail?: Readonly<Record<string, string>>) => void;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
  /** From where it can be reached beside its own port; absent: nobody looks. */
  readonly reach?: (target: GatewayTarget, readiness: Readiness) => Promise<readonly Listener[]>;
  /** True after a gateway that we started ended with exit code 78. */
  readonly exitedOnConfiguration?: () => boolean;
  readonly pollMilliseconds?: number;
  /** The configuration that Clawhold last wrote or saw; undefined where there is none. */
  readonly keptConfiguration?: () => unknown;
}

export interface Reader {
  /** The latest message handed out. */
  latest(): Telemetry | undefined;
  /** Asks everything again soon. */
  refresh(): void;
  /** The open one, with no more than `operator.read`. */
  connection(): GatewayConnection | undefined;
  stop(): Promise<void>;
}

export function startReader(deps: ReaderDeps): Reader {
  const watch = new Watch(deps);
  const running = watch.run().catch((error: unknown) => {
    deps.log("reader_failed", { name: error instanceof Error ? error.name : "unknown" });
    throw error;
  });
  // The failure is logged above and rejects stop(); until somebody stops the reader it must not end the process.
  running.catch(() => undefined);
  return {
    latest: () => watch.latest,
    refresh: () => watch.kick(),
    connection: () => watch.connection,
    stop: () => {
      watch.stop();
      return running;
    },
  };
}

class Watch {
  latest: Telemetry | undefined;
  readonly #deps: ReaderDeps;
  readonly #ownUid = userInfo().uid;
  #isStopped = false;
  #wake: (() => void) | undefined;
  /** While rounds are spaced out, a flood of events must not wake us. */
  #mayKick = true;
  #isKicked = false;
  #connection: GatewayConnection | undefined;
  #readiness: Readiness | undefined;
  #listeners: readonly Listener[] = [];
  #beyond: readonly Listener[] = [];
  #isLookingBeyond = false;
  #oneUser: boolean;
  #vitals: Vitals | undefined;
  #inventory: Inventory | undefined;
  #configuration: Telemetry["gateway"]["configuration"];
  #isConfigurationDue = true;
  /** Outlives a connection: while the gateway recomputes after a restart, the day's figures stand. */
  #usage: Telemetry["usage"];
  #usageDays = 1;
  #unfinishedRounds = 0;
  #wasSeen = false;
  /** The gateway announced a restart that should be over by then. */
  #restartUntil = 0;
  #failures = 0;
  #shownAt = 0;

  constructor(deps: ReaderDeps) {
    this.#deps = deps;
    this.#oneUser = deps.demo;
  }

  get connection(): GatewayConnection | undefined {
    return this.#connection;
  }

  stop(): void {
    this.#isStopped = true;
    this.#connection?.close();
    this.#wake?.();
  }

  kick(): void {
    this.#isKicked = true;
    if (this.#mayKick) this.#wake?.();
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const state = await this.#attempt().catch((error: unknown) => this.#localTrouble(error));
      if (state === undefined || this.#isStopped) continue;
      this.#show(state, false);
      await this.#sleep(pauseMilliseconds(state, this.#failures, this.#deps.random()));
      this.#failures += 1;
    }
  }

  /** Connects and serves until the connection ends (undefined: look again at once), or says why it could not. */
  async #attempt(): Promise<GatewayState | undefined> {
    const target = await this.#deps.target();
    const silence = {
      target,
      wasSeen: this.#wasSeen,
      restarts: this.#deps.now() < this.#restartUntil,
      exitedOnConfiguration: this.#deps.exitedOnConfiguration?.() ?? false,
    };
    await this.#lookAround(target);
    if (this.#readiness?.answers !== true) return stateOfFault("unreachable", silence);
    this.#wasSeen = true;
    let connection: GatewayConnection;
    try {
      connection = await this.#connect(target);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#deps.log("gateway_connect", { code: error.code });
      return stateOfFault(error.fault, silence);
    }
    await this.#serve(target, connection);
    return undefined;
  }

  /** A file that cannot be read now, a full disk: worth a log line and another try. A mistake of ours ends the reader. */
  #localTrouble(error: unknown): GatewayState {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (typeof code !== "string") throw error;
    this.#deps.log("gateway_local", { code });
    this.#dropConnection();
    return error instanceof DeviceFileError ? "unauthorized" : (this.latest?.gateway.state ?? "none");
  }

  #dropConnection(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#vitals = undefined;
    this.#inventory = undefined;
    this.#configuration = undefined;
    this.#isConfigurationDue = true;
  }

  #connect(target: GatewayTarget): Promise<GatewayConnection> {
    return openSession({
      url: target.url,
      credential: target.credential,
      store: this.#deps.store,
      scopes: ["operator.read"],
      agentVersion: this.#deps.agentVersion,
      platform: readMachine().platform,
      onEvent: (name) => {
        if (name === "config.changed") this.#isConfigurationDue = true;
        this.kick();
      },
      log: this.#deps.log,
      mayShowSecret: () => mayShowSecret(target),
    });
  }

  async #serve(target: GatewayTarget, connection: GatewayConnection): Promise<void> {
    this.#connection = connection;
    this.#failures = 0;
    let isOpen = true;
    void connection.ended.then((ending) => {
      isOpen = false;
      this.#restartUntil = ending.restartExpected ? this.#deps.now() + STARTING_MILLISECONDS : 0;
      this.#wake?.();
    });
    this.#show(this.#stateNow(), true);
    for (let round = 0; isOpen && !this.#isStopped; round += 1) {
      const isDue = this.#isKicked || round % INVENTORY_ROUNDS === 0;
      this.#isKicked = false;
      const beganAt = performance.now();
      await this.#round(target, connection, isDue);
      if (round % CONFIGURATION_ROUNDS === 0) this.#isConfigurationDue = true;
      if (!isOpen || this.#isStopped) break;
      if (!this.#isKicked) await this.#sleep(this.#gapMilliseconds());
      if (this.#isKicked && isOpen) await this.#settle(beganAt + SETTLE_MILLISECONDS - performance.now());
    }
    this.#dropConnection();
  }

  async #round(target: GatewayTarget, connection: GatewayConnection, withInventory: boolean): Promise<void> {
    const slower = Promise.all([
      pollUsage(connection, this.#usageDays),
      withInventory ? pollInventory(connection) : this.#inventory,
    ]);
    const [vitals, , isOver] = await Promise.all([
      pollVitals(connection),
      this.#lookAround(target),
      isSoonOver(slower),
    ]);
    // A connection that ended meanwhile left its answers out; the next attempt says what is the case.
    if (vitals.fault === "closed") return;
    this.#vitals = vitals;
    if (!isOver) this.#show(this.#stateNow(), true);
    const [usage, inventory] = await slower;
    this.#usage = steadyUsage(this.#usage, usage);
    const isUnfinished = usage !== undefined && usage.freshness !== "fresh";
    this.#unfinishedRounds = isUnfinished ? this.#unfinishedRounds + 1 : 0;
    this.#usageDays = isUnfinished ? (this.#usageDays % MAX_USAGE_DAYS) + 1 : 1;
    this.#inventory = inventory;
    this.#show(this.#stateNow(), true);
    if (this.#isConfigurationDue) await this.#lookAtConfiguration(connection);
  }

  async #lookAtConfiguration(connection: GatewayConnection): Promise<void> {
    this.#isConfigurationDue = false;
    const before = this.#configuration;
    this.#configuration = await pollConfiguration(connection, () => this.#kept());
    if (this.#configuration !== before) this.#show(this.#stateNow(), true);
  }

  /** A file of ours that cannot be read now hides a drift; it must not hide the gateway. */
  #kept(): unknown {
    try {
      return this.#deps.keptConfiguration?.();
    } catch (error) {
      this.#deps.log("kept_configuration_unreadable", { name: error instanceof Error ? error.name : "unknown" });
      return undefined;
    }
  }

  async #lookAround(target: GatewayTarget): Promise<void> {
    const [readiness, listeners] = await Promise.all([
      probeReadiness(target.host, target.port),
      listenersOf(target.port),
    ]);
    this.#readiness = readiness;
    this.#listeners = listeners ?? [];
    void this.#lookBeyond(target, readiness).catch((error: unknown) => {
      this.#deps.log("reach_failed", { name: error instanceof Error ? error.name : "unknown" });
    });
    if (this.#listeners.length > 0) this.#oneUser = this.#listeners.some((listener) => listener.uid === this.#ownUid);
    else if (target.ownerUid !== undefined) this.#oneUser = target.ownerUid === this.#ownUid;
  }

  /** Beside the rounds, since a door that does not answer takes its time; what is new is said at once. */
  async #lookBeyond(target: GatewayTarget, readiness: Readiness): Promise<void> {
    const { reach } = this.#deps;
    if (reach === undefined || this.#isLookingBeyond) return;
    this.#isLookingBeyond = true;
    try {
      const before = this.#beyond;
      this.#beyond = await reach(target, readiness);
      if (this.latest !== undefined && this.#beyond.length !== before.length)
        this.#show(this.latest.gateway.state, true);
    } finally {
      this.#isLookingBeyond = false;
    }
  }

  /** What is open to others first: only so many are told. */
  #allListeners(): readonly Listener[] {
    const isOpen = ({ loopback }: Listener): boolean => !loopback;
    const own = this.#listeners;
    return [...own.filter(isOpen), ...this.#beyond, ...own.filter(({ loopback }) => loopback)];
  }

  #stateNow(): GatewayState {
    const fault = this.#vitals?.fault;
    if (this.#readiness?.ready === true)
      return this.#vitals?.isWell === false || fault !== undefined ? "degraded" : "running";
    // One that does not even say how long it runs is not starting, it hangs.
    const uptime = this.#readiness?.uptimeMilliseconds;
    return uptime !== undefined && uptime < STARTING_MILLISECONDS ? "starting" : "degraded";
  }

  /** Hands out what is known. Without `always`, only a change of state or a heartbeat is worth a message. */
  #show(state: GatewayState, always: boolean): void {
    const now = this.#deps.now();
    const isChange = this.latest?.gateway.state !== state;
    if (!always && !isChange && now - this.#shownAt < HEARTBEAT_MILLISECONDS) return;
    if (this.#isStopped) return;
    const isLive = this.#connection !== undefined;
    const report = reportOf({
      at: Math.floor(now / 1_000),
      state,
      demo: this.#deps.demo,
      oneUser: this.#oneUser,
      agentVersion: this.#deps.agentVersion,
      listeners: this.#allListeners(),
      machine: readMachine(),
      hello: this.#connection?.hello,
      uptimeMilliseconds: isLive ? this.#readiness?.uptimeMilliseconds : undefined,
      vitals: this.#vitals,
      usage: isLive && this.#vitals !== undefined ? this.#usage : asStale(this.#usage),
      inventory: this.#inventory,
      configuration: this.#configuration,
    });
    if (!report.ok) this.#deps.log("telemetry_invalid");
    this.#shownAt = now;
    this.latest = report.telemetry;
    this.#deps.onTelemetry(report.telemetry);
  }

  #gapMilliseconds(): number {
    const ordinary = this.#deps.pollMilliseconds ?? POLL_MILLISECONDS;
    const isUnfinished = this.#unfinishedRounds > 0 && this.#unfinishedRounds <= UNFINISHED_ROUNDS;
    return isUnfinished ? Math.min(ordinary, UNFINISHED_MILLISECONDS) : ordinary;
  }

  async #settle(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return;
    this.#mayKick = false;
    await this.#sleep(milliseconds);
    this.#mayKick = true;
  }

  #sleep(milliseconds: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

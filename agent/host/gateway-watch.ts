/**
 * Puts reader and gateway control together for the gateway that `host.json` names, each with its own device. On a host
 * without a gateway it reports the machine alone.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Sample } from "../../protocol/history.ts";
import type { Telemetry } from "../../protocol/telemetry.ts";
import type { GatewayControl, GatewayReadings } from "./gateway/control-interface.ts";
import { gatewayControl } from "./gateway/control.ts";
import { openDevice } from "./gateway/device.ts";
import { openQuestions } from "./gateway/questions/open.ts";
import type { Questions } from "./gateway/questions/questions.ts";
import { discoverGateway, type GatewayTarget } from "./gateway/discover.ts";
import { placeOf } from "./gateway/place.ts";
import { historyFile } from "./gateway/history-file.ts";
import { readMachine } from "./gateway/machine.ts";
import { Reach } from "./gateway/reach.ts";
import { startReader, type Reader, type ReaderDeps } from "./gateway/reader.ts";
import { startSampler, type Sampler, type SamplerDeps } from "./gateway/sampler.ts";
import { rememberGateway, type Place } from "./gateway/supervision.ts";
import { openTags } from "./gateway/tags.ts";
import { gatewayReadings } from "./gateway/readings/table.ts";
import { ConfigVersions } from "./gateway/versions-file.ts";
import type { HostLog } from "./log.ts";
import type { PostureControl } from "./posture/control-interface.ts";
import { openPosture, withPosture, type PostureDeps } from "./posture/open.ts";
import type { GatewayReference } from "./state.ts";
import type { HostClock } from "./warden/clock.ts";

export interface WatchDeps {
  readonly gateway: GatewayReference;
  /** Where the devices of this gateway live. */
  readonly directory: string;
  readonly agentVersion: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly clock: HostClock;
  readonly random: () => number;
  readonly log: HostLog;
  readonly onTelemetry: () => void;
  /** The program that looks at the machine, and where what it finds is kept. */
  readonly posture?: Pick<PostureDeps, "program" | "directory"> | undefined;
}

export interface GatewayWatch {
  /** Undefined where the program that looks at the machine is not there. */
  readonly posture?: PostureControl;
  latest(): Telemetry | undefined;
  /** For the curves, after a time in seconds. */
  samples(after: number): readonly Sample[];
  readonly control: GatewayControl | undefined;
  /** Undefined on a host without a gateway. */
  readonly readings: GatewayReadings | undefined;
  stop(): Promise<void>;
}

export async function watchGateway(deps: WatchDeps): Promise<GatewayWatch> {
  const gateway = await gatewayOf(deps);
  if (deps.posture === undefined) return gateway;
  const posture = openPosture({
    ...deps.posture,
    log: (code) => deps.log({ event: "posture_not_seen", code }),
    onChange: deps.onTelemetry,
    now: () => Math.floor(deps.clock.wall() / 1_000),
  });
  return {
    ...gateway,
    latest: () => withPosture(gateway.latest(), posture.figures()),
    posture: posture.control,
    async stop() {
      await posture.stop();
      await gateway.stop();
    },
  };
}

async function gatewayOf(deps: WatchDeps): Promise<GatewayWatch> {
  const { gateway, directory, agentVersion } = deps;
  if (gateway.kind === "none") return machineOnly(deps);
  const log = (code: string, detail: Readonly<Record<string, string>> = {}): void =>
    deps.log({ event: code, ...detail });
  const common = {
    target: (): Promise<GatewayTarget> => locate(gateway, deps),
    agentVersion,
    directory,
    log,
    elapsed: () => deps.clock.monotonic(),
    now: () => deps.clock.wall(),
  };
  const readerStore = await openDevice(directory, "reader");
  const reader = startReader({
    ...common,
    store: readerStore,
    demo: gateway.kind === "demo",
    onTelemetry: deps.onTelemetry,
    random: deps.random,
    keptConfiguration: () => keptConfiguration(directory),
    reach: reachOf(gateway, deps, common),
  });
  const sampler = samplerOf(reader, deps, log);
  const store = await openDevice(directory, "warden");
  const questions = await openQuestions({
    ...common,
    onChange: deps.onTelemetry,
    wait: (milliseconds) => wait(milliseconds),
  });
  questions.start();
  const both = { ...common, questions, place: placeOf(gateway, deps) };
  return {
    latest: () => withQuestions(reader.latest(), questions),
    samples: (after) => sampler.after(after),
    control: gatewayControl({ ...both, store }),
    readings: gatewayReadings({ ...both, store: readerStore }),
    async stop() {
      sampler.stop();
      await questions.stop();
      await reader.stop();
    },
  };
}

function keptConfiguration(directory: string): unknown {
  const versions = new ConfigVersions(directory);
  const newest = versions.newest();
  return newest === undefined ? undefined : versions.content(newest.version)?.tree;
}

function samplerOf(reader: Reader, { directory, clock }: WatchDeps, log: SamplerDeps["log"]): Sampler {
  return startSampler({
    telemetry: () => reader.latest(),
    connection: () => reader.connection(),
    tags: openTags(directory),
    file: historyFile(directory, log),
    now: () => clock.wall(),
    log,
  });
}

function withQuestions(telemetry: Telemetry | undefined, { figures }: Questions): Telemetry | undefined {
  return telemetry === undefined || figures === undefined ? telemetry : { ...telemetry, questions: figures };
}

/** Looking through every process of the machine is dear. */
const REMEMBER_MILLISECONDS = 30_000;

/** Looks around the gateway, and remembers which process it is and who keeps it running. */
function reachOf(
  gateway: Exclude<GatewayReference, { kind: "none" }>,
  deps: WatchDeps,
  common: Pick<Place, "target" | "directory" | "elapsed"> & Pick<ReaderDeps, "log">,
): NonNullable<ReaderDeps["reach"]> {
  const reach = new Reach({ now: common.elapsed });
  const place = { ...common, place: placeOf(gateway, deps), wait: (milliseconds: number) => wait(milliseconds) };
  let next = 0;
  let seen = { port: 0, uptime: 0 };
  return (target, readiness) => {
    const now = { port: target.port, uptime: readiness.uptimeMilliseconds ?? 0 };
    // One that began or moved meanwhile is remembered at once.
    const isAnother = now.port !== seen.port || now.uptime < seen.uptime;
    if (readiness.ready) seen = now;
    if (readiness.ready && (isAnother || common.elapsed() >= next)) {
      next = common.elapsed() + REMEMBER_MILLISECONDS;
      void rememberGateway(place).catch((error: unknown) => {
        common.log("gateway_not_remembered", { name: error instanceof Error ? error.name : "unknown" });
      });
    }
    return reach.look(target, readiness);
  };
}

function locate(gateway: Exclude<GatewayReference, { kind: "none" }>, deps: WatchDeps): Promise<GatewayTarget> {
  return discoverGateway({
    environment: deps.environment,
    homeDirectory: deps.homeDirectory,
    ...(gateway.url === undefined ? {} : { explicitUrl: gateway.url }),
    ...(gateway.kind === "demo" ? { tokenFile: gateway.tokenFile } : {}),
  });
}

function machineOnly({ clock, agentVersion }: WatchDeps): GatewayWatch {
  return {
    latest: () => ({
      v: 1,
      at: Math.floor(clock.wall() / 1_000),
      gateway: { state: "none", demo: false, listens: [] },
      host: { ...readMachine(), agentVersion, oneUser: false },
    }),
    samples: () => [],
    control: undefined,
    readings: undefined,
    stop: () => Promise.resolve(),
  };
}

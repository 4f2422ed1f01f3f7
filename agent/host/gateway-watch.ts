/**
 * Puts reader and gateway control together for the gateway that `host.json` names, each with its own device. On a host
 * without a gateway it reports the machine alone.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Telemetry } from "../../protocol/telemetry.ts";
import type { GatewayControl } from "./gateway/control-interface.ts";
import { gatewayControl } from "./gateway/control.ts";
import { openDevice } from "./gateway/device.ts";
import { openQuestions } from "./gateway/questions/open.ts";
import type { Questions } from "./gateway/questions/questions.ts";
import { discoverGateway, type GatewayTarget } from "./gateway/discover.ts";
import { placeOf } from "./gateway/place.ts";
import { readMachine } from "./gateway/machine.ts";
import { startReader } from "./gateway/reader.ts";
import type { HostLog } from "./log.ts";
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
}

export interface GatewayWatch {
  latest(): Telemetry | undefined;
  readonly control: GatewayControl | undefined;
  stop(): Promise<void>;
}

export async function watchGateway(deps: WatchDeps): Promise<GatewayWatch> {
  const { gateway, directory, agentVersion } = deps;
  if (gateway.kind === "none") return machineOnly(deps);
  const log = (code: string, detail: Readonly<Record<string, string>> = {}): void =>
    deps.log({ event: code, ...detail });
  const target = (): Promise<GatewayTarget> => locate(gateway, deps);
  const reader = startReader({
    target,
    store: await openDevice(directory, "reader"),
    demo: gateway.kind === "demo",
    agentVersion,
    onTelemetry: deps.onTelemetry,
    log,
    now: () => deps.clock.wall(),
    random: deps.random,
  });
  const store = await openDevice(directory, "warden");
  const questions = await openQuestions({
    target,
    directory,
    agentVersion,
    onChange: deps.onTelemetry,
    log,
    elapsed: () => deps.clock.monotonic(),
    wait: (milliseconds) => wait(milliseconds),
  });
  questions.start();
  return {
    latest: () => withQuestions(reader.latest(), questions),
    control: gatewayControl({
      target,
      store,
      agentVersion,
      directory,
      questions,
      place: placeOf(gateway, deps),
      log,
      elapsed: () => deps.clock.monotonic(),
      now: () => deps.clock.wall(),
    }),
    async stop() {
      await questions.stop();
      await reader.stop();
    },
  };
}

function withQuestions(telemetry: Telemetry | undefined, { figures }: Questions): Telemetry | undefined {
  return telemetry === undefined || figures === undefined ? telemetry : { ...telemetry, questions: figures };
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
    control: undefined,
    stop: () => Promise.resolve(),
  };
}

/**
 * The gateway as a warden without a network reaches it: through a unix socket with the gateway's port behind it, with the
 * kernel's tables of the machine's first process, which lives in the network that the gateway listens in. Also gives the
 * reader its device: the reader has no secret by which it could pair one.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Telemetry } from "../../protocol/telemetry.ts";
import type { GatewayControl, GatewayReadings } from "./gateway/control-interface.ts";
import { gatewayControl } from "./gateway/control.ts";
import { openDevice } from "./gateway/device.ts";
import { discoverGateway, type GatewayTarget, type NetworkView } from "./gateway/discover.ts";
import { GatewayError } from "./gateway/faults.ts";
import { readMachine } from "./gateway/machine.ts";
import { placeOf } from "./gateway/place.ts";
import { openQuestions } from "./gateway/questions/open.ts";
import { gatewayReadings } from "./gateway/readings/table.ts";
import { openSession } from "./gateway/session.ts";
import { rememberGateway } from "./gateway/supervision.ts";
import { openTags } from "./gateway/tags.ts";
import { mayShowSecret } from "./gateway/trust.ts";
import type { HostLog } from "./log.ts";
import { isReaderRead } from "./ports/reader-reads.ts";
import { giveReader } from "./reader-device.ts";
import type { GatewayReference } from "./state.ts";
import type { HostClock } from "./warden/clock.ts";

/** Of process 1: the machine's own network, whichever one we are in. */
const MACHINE_TABLES = ["/proc/1/net/tcp", "/proc/1/net/tcp6"] as const;

export interface ActingDeps {
  readonly gateway: GatewayReference;
  /** The warden's own: devices, versions, switches. */
  readonly directory: string;
  readonly readerDirectory: string;
  /** The socket with the gateway's port behind it. */
  readonly socket: string;
  /** Other tables than the machine's; for tests, which have no network namespace. */
  readonly tables?: readonly string[];
  readonly agentVersion: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly clock: HostClock;
  readonly log: HostLog;
  /** What is answered by the reader. */
  readonly reader: GatewayReadings;
  readonly onQuestions: () => void;
}

export interface GatewayActing {
  readonly control: GatewayControl | undefined;
  readonly readings: GatewayReadings | undefined;
  questions(): Telemetry["questions"];
  /** A standing connection answers the gateway's questions: this process must stay. */
  isAnswering(): boolean;
  /** Gives the reader a device that the gateway lets in; false when it does not now. Never rejects. */
  provideReader(): Promise<boolean>;
  stop(): Promise<void>;
}

export async function actOnGateway(deps: ActingDeps): Promise<GatewayActing> {
  const { gateway, directory, agentVersion } = deps;
  if (gateway.kind === "none") return nothing;
  const log = (code: string, detail: Readonly<Record<string, string>> = {}): void =>
    deps.log({ event: code, ...detail });
  const common = {
    target: () => locate(gateway, deps),
    agentVersion,
    directory,
    log,
    elapsed: () => deps.clock.monotonic(),
    now: () => deps.clock.wall(),
    wait: (milliseconds: number) => wait(milliseconds),
  };
  const questions = await openQuestions({ ...common, onChange: deps.onQuestions });
  questions.start();
  const both = { ...common, questions, place: placeOf(gateway, deps) };
  const own = gatewayReadings({ ...both, store: await openDevice(directory, "reader") });
  const control = gatewayControl({ ...both, store: await openDevice(directory, "warden") });
  void rememberGateway(both).catch((error: unknown) => log("gateway_not_remembered", { name: nameOf(error) }));
  return {
    control,
    readings: {
      read: (operation, args) => (isReaderRead(operation) ? deps.reader : own).read(operation, args),
    },
    questions: () => questions.figures,
    isAnswering: () => questions.isOn,
    provideReader: () => provide(deps, common.target, log),
    stop: () => questions.stop(),
  };
}

const nothing: GatewayActing = {
  control: undefined,
  readings: undefined,
  questions: () => undefined,
  isAnswering: () => false,
  provideReader: () => Promise.resolve(true),
  stop: () => Promise.resolve(),
};

async function locate(gateway: Exclude<GatewayReference, { kind: "none" }>, deps: ActingDeps): Promise<GatewayTarget> {
  const network: NetworkView = { socket: deps.socket, tables: deps.tables ?? MACHINE_TABLES };
  const target = await discoverGateway({
    environment: deps.environment,
    homeDirectory: deps.homeDirectory,
    ...(gateway.url === undefined ? {} : { explicitUrl: gateway.url }),
    ...(gateway.kind === "demo" ? { tokenFile: gateway.tokenFile } : {}),
  });
  return { ...target, network };
}

/** Pairs the reader's device where it is not, by asking once with it, and hands it over. */
async function provide(
  deps: ActingDeps,
  locateTarget: () => Promise<GatewayTarget>,
  log: (code: string, detail?: Readonly<Record<string, string>>) => void,
): Promise<boolean> {
  const { directory, readerDirectory, agentVersion } = deps;
  try {
    openTags(directory); // made here, so that both have the same
    const target = await locateTarget();
    const connection = await openSession({
      url: target.url,
      socket: target.network?.socket,
      credential: target.credential,
      store: await openDevice(directory, "reader"),
      scopes: ["operator.read"],
      agentVersion,
      platform: readMachine().platform,
      log,
      mayShowSecret: () => mayShowSecret(target),
    });
    connection.close();
    giveReader(directory, readerDirectory);
    log("reader_provided");
    return true;
  } catch (error) {
    // A gateway that is down or turns us away: tried again when the link says that the reader is turned away too.
    log("reader_not_provided", { code: error instanceof GatewayError ? error.code : nameOf(error) });
    return false;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}

/**
 * The reader as a process of its own: it parses what the hostile gateway says, with a device that may only read, and ends when
 * nobody listens. It has no way to the host's keys, and no secret by which the gateway would let it do more.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Telemetry } from "../../protocol/telemetry.ts";
import { openDevice } from "./gateway/device.ts";
import { parseGatewayAddress, type GatewayTarget } from "./gateway/discover.ts";
import { historyFile } from "./gateway/history-file.ts";
import { readMachine } from "./gateway/machine.ts";
import { Reach } from "./gateway/reach.ts";
import { startReader, type Reader } from "./gateway/reader.ts";
import { gatewayReadings } from "./gateway/readings/table.ts";
import { startSampler, type Sampler } from "./gateway/sampler.ts";
import { openTags } from "./gateway/tags.ts";
import { requireSocket } from "./ports/inherited.ts";
import { ReaderPort } from "./ports/reader-port.ts";
import { hasReaderDevice } from "./reader-device.ts";
import type { RunDeps } from "./run.ts";
import { requireHost, type HostFile } from "./state.ts";
import { SOCKET_NAMES, type HostLayout } from "./units/layout.ts";
import { wallSeconds } from "./warden/clock.ts";

export interface ReaderProcessDeps extends Pick<RunDeps, "agentVersion" | "clock" | "random" | "log"> {
  readonly layout: HostLayout;
  readonly sockets: ReadonlyMap<string, number>;
}

export interface ReaderProcess {
  /** Resolves when nobody has been there for a while. */
  readonly alone: Promise<void>;
  /** Rejects for a mistake of ours. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

const LOOK_MILLISECONDS = 1_000;
const ALONE_MILLISECONDS = 1_000;
/** A sample a minute, taken at the end of a visit: then everything was asked. */
const SAMPLE_PAUSE_SECONDS = 50;

export async function runReader(deps: ReaderProcessDeps): Promise<ReaderProcess> {
  const { layout, sockets, clock } = deps;
  const fds = {
    readings: requireSocket(sockets, SOCKET_NAMES.readings),
    telemetry: requireSocket(sockets, SOCKET_NAMES.telemetry),
  };
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined); // whoever runs the process waits for it, perhaps a little later
  const gateway = requireHost(layout.hostFile).gateway;
  const watching = hasReaderDevice(layout.readerState) ? await watch(gateway, deps, () => port.changed()) : undefined;
  const port = new ReaderPort({
    readings: () => watching?.readings,
    latest: () => (watching === undefined ? unprovided(deps) : watching.reader.latest()),
    samples: (after) => watching?.sampler.after(after) ?? [],
    elapsed: () => clock.monotonic(),
    onFault: reject,
  });
  await port.open(fds);
  const stop = async (): Promise<void> => {
    port.stop();
    watching?.sampler.stop();
    await watching?.reader.stop();
  };
  const isOver = watching === undefined ? () => hasReaderDevice(layout.readerState) : () => false;
  return { alone: untilAlone(port, { clock, isOver }, watching?.sampler), failed, stop };
}

interface Watching {
  readonly reader: Reader;
  readonly sampler: Sampler;
  readonly readings: ReturnType<typeof gatewayReadings>;
}

async function watch(
  gateway: HostFile["gateway"],
  { layout, agentVersion, clock, random, log: logLine }: ReaderProcessDeps,
  onTelemetry: () => void,
): Promise<Watching> {
  const directory = layout.readerState;
  const log = (code: string, detail: Readonly<Record<string, string>> = {}): void =>
    logLine({ event: code, ...detail });
  const target = targetOf(gateway, layout);
  const reach = new Reach({ now: () => clock.monotonic() });
  const common = {
    target: () => Promise.resolve(target),
    store: await openDevice(directory, "reader"),
    agentVersion,
    directory,
    log,
    elapsed: () => clock.monotonic(),
    now: () => clock.wall(),
  };
  const reader = startReader({
    ...common,
    demo: gateway.kind === "demo",
    onTelemetry,
    random,
    reach: (found, readiness) => reach.look(found, readiness),
  });
  const sampler = startSampler({
    telemetry: () => reader.latest(),
    connection: () => reader.connection(),
    tags: openTags(directory),
    file: historyFile(directory, log),
    now: () => clock.wall(),
    log,
  });
  return { reader, sampler, readings: gatewayReadings(common) };
}

/** Where a person said that it is, or the gateway's own default; its configuration is not for this user to read. */
function targetOf(gateway: HostFile["gateway"], { gatewayPort }: HostLayout): GatewayTarget {
  const said = gateway.kind === "none" ? undefined : gateway.url;
  const address = parseGatewayAddress(said ?? `ws://127.0.0.1:${String(gatewayPort)}`);
  return { ...address, credential: undefined, configuration: "unreadable", ownerUid: undefined, isConfigured: true };
}

/** Until the warden has given it a device. */
function unprovided({ clock, agentVersion }: ReaderProcessDeps): Telemetry {
  return {
    v: 1,
    at: wallSeconds(clock),
    gateway: { state: "unauthorized", demo: false, listens: [] },
    host: { ...readMachine(), agentVersion, oneUser: false },
  };
}

interface Ending {
  readonly clock: ReaderProcessDeps["clock"];
  /** Has nothing to give any more: a reader without a device ends when there is one, and the next has it. */
  readonly isOver: () => boolean;
}

async function untilAlone(port: ReaderPort, { clock, isOver }: Ending, sampler?: Sampler): Promise<void> {
  let aloneSince: number | undefined;
  for (;;) {
    await wait(LOOK_MILLISECONDS);
    if (isOver()) return;
    const now = clock.monotonic();
    aloneSince = port.isAlone ? (aloneSince ?? now) : undefined;
    if (aloneSince === undefined || now - aloneSince < ALONE_MILLISECONDS) continue;
    const newest = sampler?.after(0).at(-1)?.at ?? 0;
    if (wallSeconds(clock) - newest >= SAMPLE_PAUSE_SECONDS) await sampler?.note();
    if (port.isAlone) return;
    aloneSince = undefined;
  }
}

/**
 * The warden as a process of its own: root, without a network, started by systemd when somebody speaks to one of its sockets.
 * It ends by itself when nothing is under way. The same warden as in `clawhold host run`, wired to sockets instead of to the
 * parts themselves.
 */
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import * as v from "valibot";
import { count, fingerprint, id, nonce as nonceField } from "../../protocol/fields.ts";
import { agentUpdates } from "../install/update/verify.ts";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { systemCode } from "../shared/edge-error.ts";
import { openDoorAt } from "./door.ts";
import { answerAtDoor } from "./door-answers.ts";
import { actOnGateway, type GatewayActing } from "./gateway-acting.ts";
import { requireSocket } from "./ports/inherited.ts";
import type { Standing } from "./ports/link-messages.ts";
import { ReaderClient } from "./ports/reader-client.ts";
import { installedPosture } from "./posture/installed.ts";
import { RemoteKeeper, WardenPort } from "./ports/warden-port.ts";
import { hasReaderDevice } from "./reader-device.ts";
import type { RunDeps } from "./run.ts";
import { existingHostState, requireJoined, type HostFile, type HostState } from "./state.ts";
import { SOCKET_NAMES, type HostLayout } from "./units/layout.ts";
import { wallSeconds } from "./warden/clock.ts";
import type { HostKeys } from "./warden/keys.ts";
import type { LeftTunnel, Warden } from "./warden/warden.ts";
import { requireKeys, wardenOf } from "./warden-parts.ts";

export interface WardenProcessDeps extends Omit<RunDeps, "say" | "random"> {
  readonly layout: HostLayout;
  /** Listening sockets by name. */
  readonly sockets: ReadonlyMap<string, number>;
  /** For how long the link must have been quiet; a minute when absent. */
  readonly quietMilliseconds?: number;
  /** For tests: the tables of a network that is not the first process's. */
  readonly tables?: readonly string[];
}

export interface WardenProcess {
  /** Resolves when nothing is under way and the process may end. */
  readonly asleep: Promise<void>;
  /** Rejects when the warden can no longer be trusted to work. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

const TICK_MILLISECONDS = 60_000;
const LOOK_MILLISECONDS = 5_000;
/**
 * The link was quiet for so long. A start costs a quarter of a second of processor time: once a minute that is less than half a
 * percent, also where the log moves just often enough to wake it each time.
 */
const QUIET_MILLISECONDS = 60_000;
/** A gateway that turns the reader away is not asked again and again; one that was busy or down is, now and then. */
const PROVIDE_MILLISECONDS = 600_000;
const PROVIDE_AGAIN_MILLISECONDS = 20_000;

export async function runWarden(deps: WardenProcessDeps): Promise<WardenProcess> {
  const { layout, sockets } = deps;
  const linkSocket = requireSocket(sockets, SOCKET_NAMES.link);
  const state = existingHostState(layout.state);
  const { host } = requireJoined(state);
  const lock = state.lock(() => new Date(deps.clock.wall()));
  const closers: (() => Promise<void> | void)[] = [() => lock.release()];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined); // whoever runs the process waits for it, perhaps a little later
  try {
    const keys = requireKeys(state, host);
    const { asleep } = await start({ deps, state, host, keys, closers, linkSocket }, reject);
    return { asleep, failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Parts {
  readonly deps: WardenProcessDeps;
  readonly state: HostState;
  readonly host: HostFile;
  readonly keys: HostKeys;
  readonly closers: (() => Promise<void> | void)[];
  readonly linkSocket: number;
}

async function start(parts: Parts, onFault: (error: unknown) => void): Promise<{ readonly asleep: Promise<void> }> {
  const { deps, state, host, keys, closers, linkSocket } = parts;
  const { layout, clock, log, wait, nonce, ownUid } = deps;
  const elapsed = (): number => clock.monotonic();
  const left = takeLeft(layout.wardenRuntime, host.host);
  const reader = new ReaderClient({ path: layout.readerSocket, elapsed, wait, onFault });
  let port: WardenPort | undefined;
  const tell = (): void => port?.tell();
  const acting = await actOnGateway({
    ...deps,
    gateway: host.gateway,
    directory: state.gatewayDirectory,
    readerDirectory: layout.readerState,
    socket: layout.gatewaySocket,
    reader,
    onQuestions: tell,
  });
  closers.push(
    () => reader.stop(),
    () => acting.stop(),
  );
  const keeper = new RemoteKeeper(wait);
  const { control, readings } = acting;
  const activeSessions = (): Promise<number | undefined> => reader.activeSessions();
  const updates = agentUpdates({ layout, version: deps.agentVersion });
  const posture = installedPosture(layout, () => wallSeconds(clock));
  const hooks = { posture, certificates: keeper, control, readings, updates, activeSessions, onTrust: tell, onFault };
  const warden = await wardenOf({ state, host, keys, ownUid, clock, nonce, wait, log, ...hooks });
  closers.push(() => warden.stop());
  const provider = new Provider(acting, elapsed);
  if (host.gateway.kind !== "none" && !hasReaderDevice(layout.readerState)) provider.provide();
  port = new WardenPort({
    warden,
    keeper,
    takeLeft: left,
    standing: () => standingOf(warden, acting),
    onReaderRefused: () => provider.provide(),
    elapsed,
    log,
    onFault,
  });
  closers.push(await listen(linkSocket, port), tickRegularly(warden));
  await openDoorIfGiven(parts, warden, onFault);
  log({ event: "warden_started", host: keys.host });
  return { asleep: untilAsleep({ parts, warden, acting, port }) };
}

/** Pairs the reader's device, not more often than a person would. */
class Provider {
  readonly #acting: GatewayActing;
  readonly #elapsed: () => number;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(acting: GatewayActing, elapsed: () => number) {
    this.#acting = acting;
    this.#elapsed = elapsed;
  }

  provide(): void {
    if (this.#elapsed() < this.#nextAt) return;
    this.#nextAt = this.#elapsed() + PROVIDE_MILLISECONDS;
    void this.#acting.provideReader().then((isDone) => {
      if (!isDone) this.#nextAt = this.#elapsed() + PROVIDE_AGAIN_MILLISECONDS;
    });
  }
}

async function listen(fd: number, port: WardenPort): Promise<() => void> {
  const server = createServer((socket) => port.accept(socket));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ fd }, resolve);
  });
  return () => {
    server.close();
    port.end();
  };
}

async function openDoorIfGiven(
  { deps, state, host, closers }: Parts,
  warden: Warden,
  onFault: (error: unknown) => void,
): Promise<void> {
  const fd = deps.sockets.get(SOCKET_NAMES.door);
  if (fd === undefined) return;
  closers.push(
    await openDoorAt(fd, (request) => answerAtDoor(request, { state, host, clock: deps.clock, warden, onFault })),
  );
}

function tickRegularly(warden: Warden): () => void {
  const timer = setInterval(() => warden.tick(), TICK_MILLISECONDS);
  return () => clearInterval(timer);
}

function standingOf(warden: Warden, acting: GatewayActing): Standing {
  const { trustHead, certificateRefusal, ...standing } = warden.standing();
  const questions = acting.questions();
  return {
    admission: warden.admission(),
    ...standing,
    ...(trustHead === undefined ? {} : { trustHead }),
    ...(certificateRefusal === undefined ? {} : { certificateRefusal }),
    ...(questions === undefined ? {} : { questions }),
  };
}

interface Awake {
  readonly parts: Parts;
  readonly warden: Warden;
  readonly acting: GatewayActing;
  readonly port: WardenPort;
}

function untilAsleep({ parts, warden, acting, port }: Awake): Promise<void> {
  const { deps, closers, host } = parts;
  const quiet = deps.quietMilliseconds ?? QUIET_MILLISECONDS;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const isQuiet = deps.clock.monotonic() - port.heardAt >= quiet;
      if (!isQuiet || port.isBusy || acting.isAnswering() || !warden.isResting()) return;
      clearInterval(timer);
      leave(deps.layout.wardenRuntime, { host: host.host, tunnel: warden.leave() });
      port.sleep();
      deps.log({ event: "warden_asleep" });
      resolve();
    }, LOOK_MILLISECONDS);
    closers.push(() => clearInterval(timer));
  });
}

const FILE = "tunnel.json";
const leftSchema = v.strictObject({
  v: v.literal(1),
  host: id,
  tunnel: nonceField,
  certFingerprint: fingerprint,
  lastAck: count,
});

interface Leaving {
  readonly host: string;
  readonly tunnel: LeftTunnel | undefined;
}

/** In a directory of root's that is gone at a reboot. What cannot be written is not resumed: the link dials anew. */
function leave(directory: string, { host, tunnel }: Leaving): void {
  if (tunnel === undefined) return;
  try {
    writeFileAtomically(join(directory, FILE), JSON.stringify({ v: 1, host, ...tunnel }));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

/** Read and removed at once: a process that ends in another way leaves nothing, and nothing is resumed twice. */
function takeLeft(directory: string, host: string): () => LeftTunnel | undefined {
  let found: v.InferOutput<typeof leftSchema> | undefined;
  const path = join(directory, FILE);
  try {
    const read = v.safeParse(leftSchema, JSON.parse(readFileSync(path, "utf8")));
    if (read.success && read.output.host === host) found = read.output;
  } catch (error) {
    if (systemCode(error) === undefined && !(error instanceof SyntaxError)) throw error;
  }
  rmSync(path, { force: true });
  return () => {
    const left = found;
    found = undefined;
    if (left === undefined) return undefined;
    const { tunnel, certFingerprint, lastAck } = left;
    return { tunnel, certFingerprint, lastAck };
  };
}

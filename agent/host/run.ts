/**
 * The agent of one host: warden, link and gateway watch in one process for now. The division is kept in code, so that
 * each can become a process with an OS user of its own. Holds no rule; wires, and says what a person must know.
 */
import { renewAt } from "../../protocol/renewal.ts";
import type { HostLog } from "./log.ts";
import { keeperOf } from "./certificate-keeper.ts";
import { watchGateway, type GatewayWatch } from "./gateway-watch.ts";
import { openDoor } from "./door.ts";
import { answerAtDoor } from "./door-answers.ts";
import { wordsOf } from "./join.ts";
import { startLink, type Link, type LinkState } from "./link/link.ts";
import { environmentOf } from "./link/proxy.ts";
import { sayFarewell } from "./link/say-farewell.ts";
import { TlsPairs } from "./link/tls-pairs.ts";
import { finishReset } from "./reset.ts";
import { requireJoined, type HostFile, type HostState } from "./state.ts";
import { writeStatus, type AgentStatus } from "./status-file.ts";
import type { Admission } from "./warden/admission.ts";
import { wallSeconds, type HostClock } from "./warden/clock.ts";
import type { HostKeys } from "./warden/keys.ts";
import { requireKeys, wardenOf } from "./warden-parts.ts";
import type { Warden, WardenStanding } from "./warden/warden.ts";

/** What a person, or the program that started the agent, is told. */
export type AgentEvent =
  | { readonly event: "started"; readonly host: string; readonly workspace: string; readonly edge: string }
  /** Not admitted yet. Whoever admits compares these with the ones on the page. */
  | { readonly event: "words"; readonly words: readonly string[] }
  | { readonly event: "admitted" }
  | { readonly event: "removed" }
  /** The trust log names this host with another cosignature key: it stays out of service. */
  | { readonly event: "foreign-key" }
  /** Two histories are claimed, or one by somebody revoked: this host obeys neither. */
  | { readonly event: "frozen" }
  | { readonly event: "thawed" }
  | { readonly event: "tunnel"; readonly state: "connected" }
  | { readonly event: "tunnel"; readonly state: "waiting"; readonly code: string; readonly problem: string }
  /** The last one of an agent that cannot go on: what `clawhold host run --json` prints for any command that fails. */
  | { readonly event: "error"; readonly code: string; readonly message: string };

export interface RunDeps {
  readonly agentVersion: string;
  readonly pid: number;
  /** Who may own the deny list besides root. */
  readonly ownUid: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** Starts the program that looks at the machine; absent: nobody looks. */
  readonly posture?: readonly string[] | undefined;
  readonly clock: HostClock;
  /** [0, 1): for jitter, never for secrets. */
  readonly random: () => number;
  /** base64url of 32 fresh random bytes. */
  readonly nonce: () => string;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly log: HostLog;
  readonly say: (event: AgentEvent) => void;
}

export interface Agent {
  /** Rejects when the agent can no longer be trusted to work. */
  readonly failed: Promise<never>;
  /** Resolves when the running command, if any, is written down and everything is closed. */
  stop(): Promise<void>;
}

export async function runAgent(state: HostState, deps: RunDeps): Promise<Agent> {
  if (state.reset()?.isDone === false) await finishBegun(state, deps);
  const { host } = requireJoined(state);
  const lock = state.lock(() => new Date(deps.clock.wall()));
  // A reset that came in at the door is finished when all else is closed, before another agent can start.
  const closers: (() => Promise<void> | void)[] = [() => lock.release(), () => finishMarked(state, deps)];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  let reject: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, refuse) => {
    reject = refuse;
  });
  failed.catch(() => undefined); // whoever runs the agent waits for it, perhaps a little later
  try {
    const pairs = new TlsPairs(state, deps.log);
    const parts: Parts = { state, host, pairs, keys: requireKeys(state, host), deps, closers };
    await start(parts, reject);
    return { failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function finishMarked(state: HostState, { clock, nonce, environment, log }: RunDeps): Promise<void> {
  if (state.reset()?.isDone !== false) return;
  await finishReset(state, {
    now: wallSeconds(clock),
    log,
    tell: (words) => sayFarewell(words, { nonce, environment }),
  });
}

/** A reset that a crash cut short: the host obeys nobody since its first step, and now does the others. */
async function finishBegun(state: HostState, deps: RunDeps): Promise<void> {
  const lock = state.lock(() => new Date(deps.clock.wall()));
  try {
    await finishMarked(state, deps);
  } finally {
    lock.release();
  }
}

interface Parts {
  readonly state: HostState;
  readonly host: HostFile;
  readonly pairs: TlsPairs;
  readonly keys: HostKeys;
  readonly deps: RunDeps;
  readonly closers: (() => Promise<void> | void)[];
}

async function start(parts: Parts, onFault: (error: unknown) => void): Promise<void> {
  const { state, host, pairs, keys, deps, closers } = parts;
  let link: Link | undefined;
  const watch = await watchGateway({
    ...deps,
    gateway: host.gateway,
    directory: state.gatewayDirectory,
    posture: deps.posture === undefined ? undefined : { program: deps.posture, directory: state.postureDirectory },
    onTelemetry: () => link?.report(),
  });
  closers.push(() => watch.stop());
  const standing = new Standing(parts, watch);
  const warden = await makeWarden(parts, watch, {
    onTrust: () => standing.trustChanged(),
    onFault,
    onPair: () => link?.redial(),
  });
  closers.push(() => warden.stop());
  standing.begin(warden);
  link = startLink({
    edge: host.edge,
    pairs,
    warden,
    telemetry: () => watch.latest(),
    samples: (after) => watch.samples(after),
    onState: (next) => standing.linkChanged(next),
    onFault,
    environment: environmentOf(host, deps.environment),
    elapsed: () => deps.clock.monotonic(),
    wall: () => deps.clock.wall(),
    random: deps.random,
    log: deps.log,
  });
  closers.push(link.stop.bind(link), standing.writeRegularly(), tickRegularly(warden));
  closers.push(
    await openDoor(state.files.door, (request) =>
      answerAtDoor(request, { state, host, clock: deps.clock, warden, onFault }),
    ),
  );
  deps.log({ event: "agent_started", host: keys.host });
}

const TICK_MILLISECONDS = 60_000;

function tickRegularly(warden: Warden): () => void {
  const timer = setInterval(() => warden.tick(), TICK_MILLISECONDS);
  return () => clearInterval(timer);
}

interface WardenHooks {
  readonly onTrust: () => void;
  readonly onFault: (error: unknown) => void;
  /** There is a newer pair to dial with. */
  readonly onPair: () => void;
}

function makeWarden(
  { state, host, pairs, keys, deps }: Parts,
  watch: GatewayWatch,
  hooks: WardenHooks,
): Promise<Warden> {
  const { ownUid, clock, nonce, wait, log } = deps;
  return wardenOf({
    state,
    host,
    keys,
    ownUid,
    clock,
    nonce,
    wait,
    log,
    certificates: keeperOf(pairs, hooks.onPair),
    control: watch.control,
    readings: watch.readings,
    posture: watch.posture,
    activeSessions: () => Promise.resolve(watch.latest()?.sessions?.active),
    onTrust: hooks.onTrust,
    onFault: hooks.onFault,
  });
}

const STATUS_MILLISECONDS = 15_000;

/** Where this host stands, for people and for `clawhold status`. */
class Standing {
  readonly #parts: Parts;
  readonly #watch: GatewayWatch;
  readonly #started: number;
  #warden: Warden | undefined;
  #link: LinkState = { kind: "connecting" };
  #admission: Admission | undefined;
  #isFrozen = false;
  #saidCode: string | undefined;

  constructor(parts: Parts, watch: GatewayWatch) {
    this.#parts = parts;
    this.#watch = watch;
    this.#started = wallSeconds(parts.deps.clock);
  }

  begin(warden: Warden): void {
    const { host, deps } = this.#parts;
    this.#warden = warden;
    deps.say({ event: "started", host: host.host, workspace: host.workspace, edge: host.edge });
    this.trustChanged();
  }

  trustChanged(): void {
    const { keys, host, deps } = this.#parts;
    const admission = this.#warden?.admission() ?? "none";
    if (admission !== this.#admission) {
      if (admission !== "none") deps.say({ event: admission });
      else if (this.#admission !== undefined) deps.say({ event: "removed" });
      else deps.say({ event: "words", words: wordsOf(keys, host.workspace) });
      this.#admission = admission;
    }
    const isFrozen = this.#warden?.standing().isFrozen ?? false;
    if (isFrozen !== this.#isFrozen) deps.say({ event: isFrozen ? "frozen" : "thawed" });
    this.#isFrozen = isFrozen;
    this.#write();
  }

  linkChanged(next: LinkState): void {
    this.#link = next;
    if (next.kind === "connecting") return;
    const { say } = this.#parts.deps;
    if (next.kind === "connected") say({ event: "tunnel", state: "connected" });
    // Failing again for the same reason is no news.
    else if (next.code !== this.#saidCode)
      say({ event: "tunnel", state: "waiting", code: next.code, problem: next.problem });
    this.#saidCode = next.kind === "waiting" ? next.code : undefined;
    this.#write();
  }

  writeRegularly(): () => void {
    const timer = setInterval(() => this.#write(), STATUS_MILLISECONDS);
    return () => clearInterval(timer);
  }

  #write(): void {
    const { state, host, pairs, deps } = this.#parts;
    const { inUse } = pairs;
    const standing = this.#warden?.standing();
    const gateway = this.#watch.latest()?.gateway.state;
    const link = this.#link;
    try {
      writeStatus(state.files.status, {
        v: 1,
        pid: deps.pid,
        host: host.host,
        workspace: host.workspace,
        edge: host.edge,
        started: this.#started,
        written: wallSeconds(deps.clock),
        tunnel: link.kind,
        ...(link.kind === "waiting" ? { problem: { code: link.code, sentence: link.problem } } : {}),
        admitted: this.#admission === "admitted",
        ...(this.#admission === "foreign-key" ? { foreignKey: true } : {}),
        ...statusOf(standing),
        ...(gateway === undefined ? {} : { gateway }),
        certificateEnds: inUse.until,
        certificateRenews: renewAt(inUse, inUse.fingerprint),
      });
    } catch {
      deps.log({ event: "status_not_written" }); // a full disk must not stop the agent over a courtesy
    }
  }
}

/** Before the warden is there it has refused and seen nothing. */
function statusOf(
  standing: WardenStanding | undefined,
): Pick<AgentStatus, "trust" | "frozen" | "lastReceipt" | "unsignedRefusals" | "witness" | "certificateRefusal"> {
  if (standing === undefined) return { lastReceipt: 0, unsignedRefusals: 0 };
  const { trustHead, isFrozen, lastReceipt, unsignedRefusals, witness, certificateRefusal } = standing;
  return {
    ...(trustHead === undefined ? {} : { trust: { n: trustHead.n, hash: trustHead.hash } }),
    ...(isFrozen ? { frozen: true } : {}),
    lastReceipt,
    unsignedRefusals,
    witness,
    ...(certificateRefusal === undefined ? {} : { certificateRefusal }),
  };
}

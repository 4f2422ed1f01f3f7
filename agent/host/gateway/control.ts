/**
 * Acts on the gateway with the warden's own device. Each call opens a connection, does one thing and closes it: there
 * is no standing connection with administrator scope. It decides nothing; whoever calls has verified the intent.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Expect } from "../../../protocol/messages.ts";
import { operations, type Operation } from "../../../protocol/operations.ts";
import type { GatewayConnection } from "./client.ts";
import { configDigest } from "./config-digest.ts";
import type { GatewayControl, GatewayOperationName, RestartOutcome } from "./control-interface.ts";
import type { DeviceStore } from "./device.ts";
import type { GatewayTarget } from "./discover.ts";
import { GatewayError } from "./faults.ts";
import type { Scope } from "./handshake.ts";
import type { Hello } from "./hello.ts";
import { readMachine } from "./machine.ts";
import type { GatewayTools } from "./operations/implementation.ts";
import { gatewayImplementations } from "./operations/table.ts";
import type { GatewayPlace } from "./place.ts";
import type { Questions } from "./questions/questions.ts";
import { openSession, type SessionOptions } from "./session.ts";
import { mayShowSecret } from "./trust.ts";
import { field } from "./wire.ts";

export { configDigest };

/** A restart takes six seconds; a busy gateway first drains its runs. */
export const RESTART_MILLISECONDS = 90_000;
/**
 * A question for facts waits less than the edge does for the host's answer: or a gateway that is too busy to greet would look
 * to the page like a host that says nothing.
 */
export const FACTS_MILLISECONDS = 7_000;
const LOOK_MILLISECONDS = 500;
/** The gateway shows this in its own log and event. */
const RESTART_REASON = "Restart asked for in Clawhold";

export interface ControlDeps {
  readonly target: () => Promise<GatewayTarget>;
  readonly store: DeviceStore;
  readonly agentVersion: string;
  /** Codes only. */
  readonly log: (code: string, detail: Readonly<Record<string, string>>) => void;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  /** Where this gateway's versions, tags and switches are kept. */
  readonly directory: string;
  readonly questions?: Questions;
  readonly place?: GatewayPlace;
  readonly restartMilliseconds?: number;
}

export function gatewayControl(given: ControlDeps): GatewayControl {
  const haste = new Haste(given.elapsed);
  const deps = { ...given, elapsed: () => haste.elapsed() };
  const tools = toolsOf(deps);
  return {
    bootId: async () => (await observe(deps, FACTS_MILLISECONDS))?.bootId,
    configHash: async () => {
      const hash = (await observe(deps, FACTS_MILLISECONDS))?.configHash;
      return hash === undefined ? undefined : configDigest(hash);
    },
    restart: () => haste.during(() => restartGateway(deps)),
    observe: (operation, args) => observeFor(operation, args, { deps, tools }),
    perform: (order) => haste.during(() => gatewayImplementations[order.operation].perform(order, tools)),
    hurry: () => haste.hurry(),
  };
}

/** While on, every wait of the running operation is over: each ends where the time is. One operation runs at a time. */
class Haste {
  readonly #elapsed: () => number;
  #isRunning = false;
  #isOn = false;

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  hurry(): void {
    this.#isOn = this.#isRunning;
  }

  elapsed(): number {
    return this.#isOn ? Number.POSITIVE_INFINITY : this.#elapsed();
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#isRunning = true;
    try {
      return await work();
    } finally {
      this.#isRunning = false;
      this.#isOn = false;
    }
  }
}

function toolsOf(deps: ControlDeps): GatewayTools {
  return {
    open: (...scopes) => open(deps, ...scopes),
    target: deps.target,
    directory: deps.directory,
    questions: deps.questions,
    place: deps.place,
    wait: (milliseconds) => wait(milliseconds),
    elapsed: deps.elapsed,
    now: () => Math.floor(deps.now() / 1_000),
    log: deps.log,
  };
}

async function observeFor(
  operation: GatewayOperationName,
  args: Readonly<Record<string, unknown>>,
  { deps, tools }: { readonly deps: ControlDeps; readonly tools: GatewayTools },
): Promise<Expect> {
  const { expects } = operations[operation] as Operation;
  const hello = expects.some((fact) => fact !== "subject") ? await observe(deps) : undefined;
  const subject = expects.includes("subject")
    ? await gatewayImplementations[operation].subject?.(args, tools)
    : undefined;
  const config = hello?.configHash;
  return {
    ...(hello?.bootId === undefined ? {} : { gatewayBoot: hello.bootId }),
    ...(config === undefined ? {} : { configHash: configDigest(config) }),
    ...(subject === undefined ? {} : { subject }),
  };
}

/**
 * Asks for one restart and waits until a new boot answers. Rejects with a `GatewayError` only while it is certain that
 * nothing was asked; a connection that dies under the request may have delivered it, so then the boots decide.
 */
export async function restartGateway(deps: ControlDeps): Promise<RestartOutcome> {
  const connection = await open(deps, "operator.admin");
  const before = connection.hello.bootId;
  try {
    if (before === undefined) throw new GatewayError("hostile", "BOOT_ID_MISSING");
    await ask(connection);
  } finally {
    connection.close();
  }
  return { before, after: await newBoot(deps, before) };
}

async function ask(connection: GatewayConnection): Promise<void> {
  try {
    const answer = await connection.call("gateway.restart.request", { reason: RESTART_REASON });
    if (field(answer, "ok") !== true) throw new GatewayError("refused", "RESTART_NOT_SCHEDULED");
  } catch (error) {
    const isUncertain =
      error instanceof GatewayError &&
      (error.fault === "closed" || error.fault === "timeout" || error.fault === "unreachable");
    if (!isUncertain) throw error;
  }
}

async function newBoot(deps: ControlDeps, before: string): Promise<string | undefined> {
  const until = deps.elapsed() + (deps.restartMilliseconds ?? RESTART_MILLISECONDS);
  while (deps.elapsed() < until) {
    await wait(LOOK_MILLISECONDS);
    const now = (await observe(deps))?.bootId;
    if (now !== undefined && now !== before) return now;
  }
  return undefined;
}

/** What answers now, seen on a fresh connection with read scope; undefined when nothing does. */
async function observe(deps: ControlDeps, connectMilliseconds?: number): Promise<Hello | undefined> {
  try {
    const connection = await openWith(deps, { scopes: ["operator.read"], connectMilliseconds });
    connection.close();
    return connection.hello;
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

function open(deps: ControlDeps, ...scopes: readonly Scope[]): Promise<GatewayConnection> {
  return openWith(deps, { scopes });
}

async function openWith(
  deps: ControlDeps,
  how: Pick<SessionOptions, "scopes" | "connectMilliseconds">,
): Promise<GatewayConnection> {
  const target = await deps.target();
  return openSession({
    url: target.url,
    socket: target.network?.socket,
    credential: target.credential,
    store: deps.store,
    ...how,
    agentVersion: deps.agentVersion,
    platform: readMachine().platform,
    log: deps.log,
    mayShowSecret: () => mayShowSecret(target),
  });
}

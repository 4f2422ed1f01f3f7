/**
 * How one reading asks the gateway: a connection of its own for each set of scopes, closed when the answer is there or the
 * time is over, whichever comes first. Nothing here can change anything. The gateway is hostile: what it says is cut to
 * size here and shown as text by whoever reads it; what does not fit is a code.
 */
import { openGateway, type GatewayConnection } from "../client.ts";
import { transientDevice, type DeviceStore } from "../device.ts";
import type { GatewayTarget } from "../discover.ts";
import { GatewayError, type GatewayFault } from "../faults.ts";
import type { Scope } from "../handshake.ts";
import { KeptFileError } from "../kept-file.ts";
import { readMachine } from "../machine.ts";
import type { Acting } from "../operations/acting.ts";
import type { GatewayTools } from "../operations/implementation.ts";
import type { GatewayPlace } from "../place.ts";
import type { Questions } from "../questions/questions.ts";
import { ReadingError } from "../reading-error.ts";
import { openSession } from "../session.ts";
import { openTags } from "../tags.ts";
import { mayShowSecret } from "../trust.ts";

/** The edge waits 20 seconds; a gateway that takes longer than this answers nobody. */
export const READING_MILLISECONDS = 15_000;

export interface ReadingDeps {
  readonly target: () => Promise<GatewayTarget>;
  /** The reader's device. */
  readonly store: DeviceStore;
  readonly agentVersion: string;
  /** Codes only. */
  readonly log: (code: string, detail?: Readonly<Record<string, string>>) => void;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  /** Where versions and the key of the tags are kept. */
  readonly directory: string;
  readonly questions?: Questions;
  readonly place?: GatewayPlace;
  readonly milliseconds?: number;
}

export interface Asking {
  readonly deps: ReadingDeps;
  /** Host wall clock, seconds. */
  readonly now: number;
  /** What operations look things up with, on the reader's connection; it cannot tell the gateway anything. */
  readonly acting: Acting;
  readonly ask: Acting["ask"];
  /** With more than reading: only for what the gateway shows nobody else. */
  readonly wide: Acting;
  readonly tools: GatewayTools;
}

const readScopes: readonly Scope[] = ["operator.read"];
/** Devices of others and the rules for commands are shown to administrators alone. */
const wideScopes: readonly Scope[] = ["operator.admin"];

/** @throws {ReadingError} for whatever the gateway does; rejects otherwise only for a mistake of ours */
export async function withGateway<T>(deps: ReadingDeps, work: (asking: Asking) => Promise<T>): Promise<T> {
  const lines = new Lines(deps);
  const { promise: over, reject } = Promise.withResolvers<never>();
  const deadline = setTimeout(() => reject(new GatewayError("timeout")), deps.milliseconds ?? READING_MILLISECONDS);
  const working = answer({ deps, lines }, work);
  // What goes wrong after the time is over is told to nobody: the reader has been told that it is over.
  working.catch(() => undefined);
  try {
    return await Promise.race([working, over]);
  } catch (error) {
    throw readingError(error, deps.log);
  } finally {
    clearTimeout(deadline);
    lines.close();
  }
}

interface With {
  readonly deps: ReadingDeps;
  readonly lines: Lines;
}

async function answer<T>({ deps, lines }: With, work: (asking: Asking) => Promise<T>): Promise<T> {
  const tools = toolsOf(deps, lines);
  const acting = lookerOf(tools, () => lines.line(readScopes));
  const wide = lookerOf(tools, () => lines.line(wideScopes));
  return work({ deps, now: tools.now(), acting, ask: acting.ask, wide, tools });
}

function readingError(error: unknown, log: ReadingDeps["log"]): unknown {
  if (error instanceof KeptFileError) {
    log("reading_failed", { code: error.code });
    return new ReadingError("gateway");
  }
  if (!(error instanceof GatewayError)) return error;
  log("reading_failed", { code: error.code });
  return new ReadingError(codeOf(error.fault, error.code));
}

function codeOf(fault: GatewayFault, code: string): "gateway" | "unsupported" | "not_found" {
  if (fault === "unsupported" || code.endsWith("UNKNOWN_METHOD") || code.endsWith("METHOD_NOT_FOUND"))
    return "unsupported";
  return fault === "refused" && code.endsWith("NOT_FOUND") ? "not_found" : "gateway";
}

/** Every connection of one reading; after `close` none is opened any more. */
class Lines {
  readonly #deps: ReadingDeps;
  readonly #open = new Map<readonly Scope[], Promise<GatewayConnection>>();
  readonly #connections: GatewayConnection[] = [];
  #isOver = false;

  constructor(deps: ReadingDeps) {
    this.#deps = deps;
  }

  line(scopes: readonly Scope[]): Promise<GatewayConnection> {
    const open = this.#open.get(scopes) ?? this.dial(scopes);
    this.#open.set(scopes, open);
    return open;
  }

  async dial(scopes: readonly Scope[]): Promise<GatewayConnection> {
    if (this.#isOver) throw new GatewayError("timeout");
    const connection = await connect(this.#deps, scopes);
    this.#connections.push(connection);
    if (!this.#isOver) return connection;
    connection.close();
    throw new GatewayError("timeout");
  }

  close(): void {
    this.#isOver = true;
    for (const connection of this.#connections) connection.close();
  }
}

/**
 * The reader's own pairing stays at reading. What needs more is asked by a device that is made for it and never paired,
 * so that no device with an administrator's token waits on this machine; only without a shared secret is there no such way.
 */
async function connect(deps: ReadingDeps, scopes: readonly Scope[]): Promise<GatewayConnection> {
  const target = await deps.target();
  const { url, credential } = target;
  const socket = target.network?.socket;
  const { agentVersion } = deps;
  const { platform } = readMachine();
  const isWide = scopes.some((scope) => scope !== "operator.read");
  if (!isWide || credential === undefined)
    return openSession({
      url,
      socket,
      credential,
      store: deps.store,
      scopes,
      agentVersion,
      platform,
      log: deps.log,
      mayShowSecret: () => mayShowSecret(target),
    });
  if (!(await mayShowSecret(target))) throw new GatewayError("foreign");
  const device = transientDevice("lists");
  const proof = { kind: "shared", credential } as const;
  return openGateway({
    url,
    socket,
    handshake: { device, client: "transient", scopes, proof, agentVersion, platform },
  });
}

function toolsOf(deps: ReadingDeps, lines: Lines): GatewayTools {
  return {
    open: (...scopes) => lines.dial(scopes),
    target: deps.target,
    directory: deps.directory,
    questions: deps.questions,
    place: deps.place,
    wait: () => Promise.reject(new TypeError("a reading waits for nothing")),
    elapsed: deps.elapsed,
    now: () => Math.floor(deps.now() / 1_000),
    log: deps.log,
  };
}

function lookerOf(tools: GatewayTools, line: () => Promise<GatewayConnection>): Acting {
  const nothing = (): Promise<never> => Promise.reject(new TypeError("a reading changes nothing"));
  return {
    tools,
    tags: openTags(tools.directory),
    version: undefined,
    connection: line,
    ask: async (method, parameters = {}) => (await line()).call(method, parameters),
    tell: nothing,
    becomes: nothing,
  };
}

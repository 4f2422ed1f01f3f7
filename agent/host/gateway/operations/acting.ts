/**
 * How one verified command is carried out at a gateway that is hostile, slow, or restarting under our hands: a request is
 * sent once and never again, and what became of it is decided by looking, never by believing the answer. This file knows
 * no operation. It may not hand on a word of the gateway: what it answers is looked at field by field by the caller.
 */
import { systemCode } from "../../../shared/edge-error.ts";
import { HostError } from "../../host-error.ts";
import type { GatewayConnection } from "../client.ts";
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { GatewayError, type GatewayFault } from "../faults.ts";
import type { Scope } from "../handshake.ts";
import { KeptFileError } from "../kept-file.ts";
import { openTags, type Tags } from "../tags.ts";
import { field } from "../wire.ts";
import { failed, type GatewayTools } from "./implementation.ts";

/** Most effects show at once; a new agent or an edited configuration after half a second to two. */
export const EFFECT_MILLISECONDS = 15_000;
/** After a lost answer the gateway may be restarting: six seconds as a rule, more when it drains runs first. */
export const RETURN_MILLISECONDS = 60_000;
/** What a gateway that is back shows nothing of for so long, it never took in. */
export const SETTLED_MILLISECONDS = 4_000;
const LOOK_MILLISECONDS = 250;
/** A list that needs more pages than this is a flood. */
const MAX_PAGES = 20;
export const MAX_ROWS = 2_000;

/** Ends the work with this code; made where a person's next step depends on which it was. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: string;
  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

export interface Telling {
  /** The few requests that wait for a model or for a plugin take longer than the rest. */
  readonly milliseconds?: number;
}

export interface Acting {
  readonly tools: GatewayTools;
  readonly tags: Tags;
  /** What the gateway calls its version; undefined when that is none. */
  readonly version: string | undefined;
  readonly connection: () => Promise<GatewayConnection>;
  /** Asks for facts; may be asked again. @throws {GatewayError} */
  readonly ask: (method: string, parameters?: object) => Promise<unknown>;
  /**
   * Sends one request that changes something, once. Undefined: the connection was lost under it, so that only looking
   * tells what became of it. @throws {GatewayError} when the gateway said that it did nothing
   */
  readonly tell: (method: string, parameters: object, how?: Telling) => Promise<unknown>;
  /** Looks until `look` says true or the time is over; false means that it is certain enough that it is not so. */
  readonly becomes: (look: () => Promise<boolean>, milliseconds?: number) => Promise<boolean>;
}

const uncertainFaults: readonly GatewayFault[] = ["closed", "timeout", "unreachable", "hostile"];

/** Opens a connection of the warden with these scopes for `work`, and makes a code of whatever goes wrong. */
export async function act(
  tools: GatewayTools,
  scopes: readonly Scope[],
  work: (acting: Acting) => Promise<Performed>,
): Promise<Performed> {
  const line = new Line(tools, scopes);
  try {
    const { hello } = await line.open();
    return await work({
      tools,
      tags: openTags(tools.directory),
      version: hello.version,
      connection: () => line.open(),
      ask: (method, parameters = {}) => line.ask(method, parameters),
      tell: (method, parameters, how = {}) => line.tell(method, parameters, how),
      becomes: (look, milliseconds) => line.becomes(look, milliseconds),
    });
  } catch (error) {
    if (error instanceof Refusal) return failed(error.reason);
    const [reason, code] = troubleOf(error);
    tools.log("gateway_operation_failed", { code });
    return failed(reason);
  } finally {
    line.close();
  }
}

/** `gateway_…`: what was wrong between us and it; the person's next step is on the gateway's side. */
export function reasonOf(fault: GatewayFault): string {
  // The gateway answers so while it starts and drains, and also for things that it manages by itself.
  return fault === "starting" ? "gateway_unavailable" : `gateway_${fault}`;
}

/** The reason for the receipt, and what the log says. @throws what is a mistake of ours */
function troubleOf(error: unknown): readonly [reason: string, code: string] {
  if (error instanceof GatewayError) return [reasonOf(error.fault), error.code];
  if (error instanceof KeptFileError) return [error.code, error.code];
  if (error instanceof HostError) return ["local_file", error.code];
  const code = systemCode(error);
  if (code === undefined) throw error;
  return ["local_file", code];
}

class Line {
  readonly #tools: GatewayTools;
  readonly #scopes: readonly Scope[];
  #connection: GatewayConnection | undefined;
  #isLost = false;
  /** It only took too long: the gateway may still be about to do it. */
  #isSlow = false;

  constructor(tools: GatewayTools, scopes: readonly Scope[]) {
    this.#tools = tools;
    this.#scopes = scopes;
  }

  async open(): Promise<GatewayConnection> {
    if (this.#connection !== undefined) return this.#connection;
    const connection = await this.#tools.open(...this.#scopes);
    this.#connection = connection;
    void connection.ended.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  close(): void {
    this.#connection?.close();
  }

  async ask(method: string, parameters: object): Promise<unknown> {
    return (await this.open()).call(method, parameters);
  }

  async tell(method: string, parameters: object, how: Telling): Promise<unknown> {
    const connection = await this.open();
    try {
      return await connection.call(
        method,
        parameters,
        how.milliseconds === undefined ? {} : { milliseconds: how.milliseconds },
      );
    } catch (error) {
      if (!(error instanceof GatewayError) || !uncertainFaults.includes(error.fault)) throw error;
      this.#tools.log("gateway_answer_lost", { fault: error.code });
      this.#isLost = true;
      this.#isSlow = error.fault === "timeout";
      return undefined;
    }
  }

  async becomes(look: () => Promise<boolean>, milliseconds?: number): Promise<boolean> {
    let until = this.#tools.elapsed() + (this.#isLost ? RETURN_MILLISECONDS : (milliseconds ?? EFFECT_MILLISECONDS));
    let isBack = !this.#isLost || this.#isSlow;
    let isClear = false;
    for (;;) {
      try {
        if (await look()) return true;
        isClear = true;
        if (!isBack) until = Math.min(until, this.#tools.elapsed() + SETTLED_MILLISECONDS);
        isBack = true;
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        isClear = false;
      }
      if (this.#tools.elapsed() >= until) break;
      await this.#tools.wait(LOOK_MILLISECONDS);
    }
    if (!isClear) throw new Refusal("outcome_unknown");
    return false;
  }
}

interface Paged {
  readonly method: string;
  readonly parameters: object;
  /** Under which name the answer holds the rows. */
  readonly key: string;
}

/** All rows of a list that comes in pages, bounded. */
export async function rowsOf(acting: Acting, { method, parameters, key }: Paged): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await acting.ask(method, page === 0 ? parameters : { ...parameters, offset: rows.length });
    const found = field(answer, key);
    if (!Array.isArray(found)) throw new GatewayError("hostile", "LIST_SHAPE");
    rows.push(...found.slice(0, MAX_ROWS - rows.length));
    if (field(answer, "hasMore") !== true || found.length === 0 || rows.length >= MAX_ROWS) break;
  }
  return rows;
}

/** The pinned subject against the thing as it is now, right before something is done to it. */
export function mustBeAsShown(order: GatewayOrder, subject: string): void {
  if (order.expect.subject !== undefined && order.expect.subject !== subject) throw new Refusal("changed");
}

/** An argument that the operation's schema has already checked. */
export function stringOf(args: Readonly<Record<string, unknown>>, name: string): string {
  const value = args[name];
  if (typeof value !== "string") throw new TypeError(`no ${name} in verified arguments`);
  return value;
}

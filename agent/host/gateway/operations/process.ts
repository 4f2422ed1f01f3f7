/**
 * The gateway's process: stop, start, kill. Stopping something bad never depends on the gateway's cooperation: what it
 * should have done is tried, and then the process ends whether or not it answered.
 */
import { GatewayError } from "../faults.ts";
import type { GatewayOrder, Performed } from "../control-interface.ts";
import type { GatewayConnection } from "../client.ts";
import { KeptFileError } from "../kept-file.ts";
import { ownDeviceIds } from "../own-devices.ts";
import { startGateway, stopGateway, type StartResult, type StopResult } from "../supervision.ts";
import { field } from "../wire.ts";
import { MAX_ROWS } from "./acting.ts";
import { executed, failed, type GatewayImplementation, type GatewayTools } from "./implementation.ts";

/** A kill does not wait for runs to end. */
const KILL_MILLISECONDS = 5_000;
/** A flood of pairings must not keep the process alive: what is left then cannot use them while it is down. */
const UNPAIR_MILLISECONDS = 20_000;

/** The boot that answers now; undefined when none does. */
export async function bootNow(tools: GatewayTools): Promise<string | undefined> {
  try {
    const connection = await tools.open("operator.read");
    connection.close();
    return connection.hello.bootId;
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

async function stop({ expect }: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const boot = await bootNow(tools);
  if (expect.gatewayBoot !== undefined && boot !== undefined && boot !== expect.gatewayBoot) return failed("changed");
  const result = await stopGateway(tools);
  const observed = boot === undefined ? {} : { gatewayBootBefore: boot };
  return isDown(result) ? executed(observed) : failed(result, observed);
}

function isDown(result: StopResult): boolean {
  return result === "stopped" || result === "already_stopped";
}

const startReasons = { no_supervisor: "no_supervisor", not_started: "not_started" } as const;

async function start(_order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  let result: StartResult;
  try {
    result = await startGateway(tools);
  } catch (error) {
    if (error instanceof KeptFileError) return failed(error.code);
    throw error;
  }
  if (result === "no_supervisor" || result === "not_started") return failed(startReasons[result]);
  const boot = await bootNow(tools);
  return executed(boot === undefined ? {} : { gatewayBootAfter: boot });
}

interface Unpaired {
  readonly changed: number;
  readonly reason: string | undefined;
}

async function kill(_order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const { changed, reason } = await unpairAll(tools);
  const result = await stopGateway(tools, { milliseconds: KILL_MILLISECONDS });
  if (!isDown(result)) return failed(result, { changed });
  return executed({ changed, ...(reason === undefined ? {} : { reason }) });
}

/** Every part is tried, whatever became of the others. */
async function unpairAll(tools: GatewayTools): Promise<Unpaired> {
  let connection: GatewayConnection;
  try {
    connection = await tools.open("operator.admin");
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    tools.log("kill_without_gateway", { code: error.code });
    return { changed: 0, reason: "pairings_unreached" };
  }
  try {
    const sweep = new Sweep(connection, tools);
    await sweep.list("node.pair", { id: "nodeId", own: new Set() });
    await sweep.list("device.pair", { id: "deviceId", own: ownIds(tools) });
    return { changed: sweep.removed, reason: sweep.isWhole ? undefined : "pairings_left" };
  } finally {
    connection.close();
  }
}

/** Keys that cannot be read are nobody's excuse to leave a pairing: then ours go too, and pair again. */
function ownIds(tools: GatewayTools): ReadonlySet<string> {
  try {
    return ownDeviceIds(tools.directory);
  } catch (error) {
    tools.log("own_devices_unknown", { name: error instanceof Error ? error.name : "unknown" });
    return new Set();
  }
}

class Sweep {
  removed = 0;
  isWhole = true;
  readonly #connection: GatewayConnection;
  readonly #tools: GatewayTools;
  readonly #until: number;

  constructor(connection: GatewayConnection, tools: GatewayTools) {
    this.#connection = connection;
    this.#tools = tools;
    this.#until = tools.elapsed() + UNPAIR_MILLISECONDS;
  }

  /** `family`: the method's first half. Requests that wait are denied as well. */
  async list(family: string, { id, own }: { readonly id: string; readonly own: ReadonlySet<string> }): Promise<void> {
    const answer = await this.#try(`${family}.list`, {});
    for (const row of rowsIn(answer, "pending")) {
      const requestId = field(row, "requestId");
      if (isId(requestId) && !isOwn(row, own)) await this.#try(`${family}.reject`, { requestId });
    }
    for (const row of rowsIn(answer, "paired")) {
      const name = field(row, id);
      if (!isId(name) || own.has(name)) continue;
      if ((await this.#try(`${family}.remove`, { [id]: name })) !== undefined) this.removed += 1;
    }
  }

  async #try(method: string, parameters: object): Promise<unknown> {
    try {
      if (this.#tools.elapsed() >= this.#until) throw new GatewayError("timeout");
      return (await this.#connection.call(method, parameters)) ?? {};
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#tools.log("kill_part_failed", { code: error.code });
      this.isWhole = false;
      return undefined;
    }
  }
}

function rowsIn(answer: unknown, key: string): readonly unknown[] {
  const rows = field(answer, key);
  return Array.isArray(rows) ? rows.slice(0, MAX_ROWS) : [];
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= 256;
}

function isOwn(row: unknown, own: ReadonlySet<string>): boolean {
  const device = field(row, "deviceId");
  return typeof device === "string" && own.has(device);
}

export const processRows = {
  "gateway.stop@1": { perform: stop },
  "gateway.start@1": { perform: start },
  "gateway.kill@1": { perform: kill },
} as const satisfies Record<string, GatewayImplementation>;

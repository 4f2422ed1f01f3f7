/**
 * One attempt to end the gateway: what has to be dead, and whether it is, by the kernel's tables and the service manager.
 * The gateway is hostile here and owns the file that names its port, so the processes and the unit that were seen before
 * count as much as who listens there now. It may not end a process of another user than the configuration's, nor itself.
 */
import { userInfo } from "node:os";
import { systemCode } from "../../shared/edge-error.ts";
import { wantedFileOf, writeWanted } from "../demo/wanted-file.ts";
import { gatewayProcesses, isAlive, signal, type GatewayProcess } from "./gateway-process.ts";
import { KeptFileError } from "./kept-file.ts";
import { listenersOf } from "./listening.ts";
import type { GatewayTools } from "./operations/implementation.ts";
import { probeReadiness } from "./probe.ts";
import { rememberedProcesses, rememberProcesses, type RememberedProcess } from "./remembered.ts";
import {
  command,
  keepUnit,
  keptUnit,
  stateOf,
  unitOf,
  type Systemctl,
  type Unit,
  type UnitState,
} from "./systemd-unit.ts";

type EndingTools = Pick<GatewayTools, "target" | "place" | "directory">;

export class Ending {
  readonly #tools: EndingTools;
  readonly #how: { readonly run: Systemctl; readonly ownUid: number };
  /** Everything that has to be dead. */
  readonly #known = new Map<string, GatewayProcess>();
  readonly #units = new Map<string, Unit>();
  /** Where those listened that lived on when this began; another user's program there is none of ours. */
  #former: readonly RememberedProcess[] = [];
  #wasSeen = false;

  private constructor(tools: EndingTools, run: Systemctl) {
    this.#tools = tools;
    this.#how = { run, ownUid: userInfo().uid };
  }

  static async begin(tools: EndingTools, run: Systemctl): Promise<Ending> {
    const ending = new Ending(tools, run);
    const { any, alive } = (await orNothing(() => rememberedProcesses(tools.directory))) ?? { any: false, alive: [] };
    ending.#wasSeen = any;
    ending.#former = alive;
    for (const process of alive) ending.#add(process);
    if (tools.place?.kind !== "demo") {
      const unit = await orNothing(() => keptUnit(tools.directory));
      if (unit !== undefined) ending.#units.set(keyOf(unit), unit);
    }
    await ending.#find();
    return ending;
  }

  /** Nothing of it listens, every process that was seen is dead, and its unit is not about to start another. */
  async isDown(): Promise<boolean> {
    if ((await this.#listens()) || (await this.#alive()).length > 0) return false;
    return !(await this.#unitStates()).includes("active");
  }

  /** Whether "down" rests on more than the port that the configuration names. */
  async isProven(): Promise<boolean> {
    // The demo's port is ours, and so is its supervisor.
    if (this.#wasSeen || this.#tools.place?.kind === "demo") return true;
    const states = await this.#unitStates();
    return states.length > 0 && states.every((state) => state === "inactive");
  }

  /** What is left is not the gateway as far as it was ever seen: another user's program has its port. */
  async isForeign(): Promise<boolean> {
    await this.#find();
    return (await this.#alive()).length === 0 && !(await this.#unitStates()).includes("active");
  }

  /** Politely. False: nobody could be asked. */
  async ask(): Promise<boolean> {
    if (this.#tools.place?.kind === "demo") return tellDemo(this.#tools, false);
    let isTold = false;
    for (const process of await this.#alive()) {
      const unit = await unitOf(process, this.#how);
      if (unit === undefined) {
        isTold = (await signal(process, "SIGTERM")) || isTold;
        continue;
      }
      this.#units.set(keyOf(unit), unit);
      await orNothing(() => keepUnit(this.#tools.directory, unit));
    }
    for (const unit of this.#units.values()) {
      if ((await stateOf(unit, this.#how)) === "inactive") continue;
      // Without waiting: a unit may take minutes, and we look for ourselves. A plain signal would be undone by Restart=.
      isTold = (await command(unit, ["stop", "--no-block"], this.#how)).ok || isTold;
    }
    return isTold;
  }

  /** By force, with whoever holds the socket now. */
  async cut(): Promise<void> {
    await this.#find();
    for (const process of await this.#alive()) await signal(process, "SIGKILL");
  }

  async #find(): Promise<void> {
    const { port, ownerUid, network } = await this.#tools.target();
    const now = await gatewayProcesses(port, ownerUid, network?.tables);
    for (const process of now) this.#add(process);
    // A child that took over the socket where the gateway was before its configuration said another port.
    for (const former of this.#former) {
      if (former.port === port) continue;
      for (const process of await gatewayProcesses(former.port, former.uid, network?.tables)) this.#add(process);
    }
    await orNothing(() => rememberProcesses(this.#tools.directory, now, port));
  }

  #add(process: GatewayProcess): void {
    this.#wasSeen = true;
    this.#known.set(`${String(process.pid)} ${process.began}`, process);
  }

  async #alive(): Promise<readonly GatewayProcess[]> {
    const found: GatewayProcess[] = [];
    for (const process of this.#known.values()) if (await isAlive(process)) found.push(process);
    return found;
  }

  async #listens(): Promise<boolean> {
    const { host, port, network } = await this.#tools.target();
    const listeners = await listenersOf(port, network?.tables);
    if (listeners === undefined) return (await probeReadiness(host, port, network?.socket)).answers;
    if (listeners.length > 0) return true;
    for (const former of this.#former)
      if ((await listenersOf(former.port, network?.tables))?.some(({ uid }) => uid === former.uid) === true)
        return true;
    return false;
  }

  async #unitStates(): Promise<readonly UnitState[]> {
    return Promise.all([...this.#units.values()].map((unit) => stateOf(unit, this.#how)));
  }
}

export function tellDemo({ place }: Pick<EndingTools, "place">, runs: boolean): boolean {
  if (place?.tokenFile === undefined) return false;
  writeWanted(wantedFileOf(place.tokenFile), runs);
  return true;
}

function keyOf({ scope, uid, name }: Unit): string {
  return `${scope} ${String(uid)} ${name}`;
}

/** A damaged memory or a full disk must not keep a kill from the rest; what it would have proven is then not claimed. */
async function orNothing<T>(look: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof KeptFileError || systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

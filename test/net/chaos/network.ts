/**
 * Machines without hardware: a network namespace each, whose only way out is the impairing router. Needs root. Whatever
 * an earlier run left behind when it was killed is swept before a new one begins.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { Program } from "./program.ts";

export const PYTHON = { name: "python3", path: "/usr/bin/python3" };
const IP = "/usr/sbin/ip";
const NAMESPACES = "/run/netns";
const PREFIX = "clawchaos";

export interface Place {
  readonly name: string;
  readonly address: string;
  /** First three bytes of the addresses behind which the router hides this machine. */
  readonly nat?: string;
  /** The one machine that it can reach. */
  readonly only?: string;
}

/** Shares are [0, 1], times milliseconds; all in each direction of one machine's line. */
export interface Impairment {
  readonly loss?: number;
  readonly delay?: number;
  readonly jitter?: number;
  readonly reorder?: number;
  readonly duplicate?: number;
  /** Nothing leaves the machine, nothing reaches it. */
  readonly cutOut?: boolean;
  readonly cutIn?: boolean;
}

export class Network {
  readonly #router: Program;
  readonly #namespaces: readonly string[];
  readonly #onExit = (): void => removeAll(this.#namespaces);

  private constructor(router: Program, namespaces: readonly string[]) {
    this.#router = router;
    this.#namespaces = namespaces;
    process.once("exit", this.#onExit);
  }

  static async create(places: readonly Place[], seed: number): Promise<Network> {
    sweep();
    const namespaces = places.map(({ name }) => namespaceOf(name));
    try {
      for (const namespace of namespaces) ip("netns", "add", namespace);
      const router = new Program({
        program: PYTHON.path,
        parameters: [path.join(import.meta.dirname, "router.py"), String(seed)],
      });
      const plans = places.map(({ name, address, nat = null, only = null }) => ({
        name,
        namespace: namespaceOf(name),
        address,
        nat,
        only,
      }));
      router.tell(JSON.stringify(plans));
      await router.mustSay((said) => said["ready"] === true);
      for (const { name, address } of places) configure(namespaceOf(name), address);
      return new Network(router, namespaces);
    } catch (error) {
      removeAll(namespaces);
      throw error;
    }
  }

  /** Replaces whatever was wrong with this machine's line. */
  set(name: string, impairment: Impairment = {}): void {
    this.#router.tell(JSON.stringify({ set: name, ...impairment }));
  }

  /** The router forgets its translations for this machine, and gets another address. */
  rebind(name: string): void {
    this.#router.tell(JSON.stringify({ rebind: name }));
  }

  async counts(): Promise<Readonly<Record<string, number>>> {
    const from = this.#router.said.length;
    this.#router.tell(JSON.stringify({ count: true }));
    return (await this.#router.mustSay((said) => "forwarded" in said, from)) as Readonly<Record<string, number>>;
  }

  async remove(): Promise<void> {
    process.off("exit", this.#onExit);
    await this.#router.end("SIGKILL");
    removeAll(this.#namespaces);
  }
}

export function namespaceOf(name: string): string {
  return `${PREFIX}-${String(process.pid)}-${name}`;
}

function configure(namespace: string, address: string): void {
  ip("-n", namespace, "link", "set", "lo", "up");
  ip("-n", namespace, "address", "add", `${address}/32`, "dev", "net0");
  ip("-n", namespace, "link", "set", "net0", "up");
  ip("-n", namespace, "route", "add", "default", "dev", "net0");
}

function ip(...parameters: readonly string[]): void {
  const { status, stderr } = spawnSync(IP, [...parameters], { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${parameters.join(" ")}: ${stderr}`);
}

function removeAll(namespaces: readonly string[]): void {
  for (const namespace of namespaces) {
    if (existsSync(path.join(NAMESPACES, namespace))) spawnSync(IP, ["netns", "delete", namespace]);
  }
}

/** Namespaces of runs whose process is no more. */
function sweep(): void {
  if (!existsSync(NAMESPACES)) return;
  const stale = readdirSync(NAMESPACES).filter((name) => {
    const [prefix, pid = ""] = name.split("-");
    return prefix === PREFIX && !existsSync(`/proc/${pid}`);
  });
  removeAll(stale);
}

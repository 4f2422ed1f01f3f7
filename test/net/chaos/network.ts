/**
 * Machines without hardware: a network namespace each, whose only way out is the impairing router. Needs root. The
 * router outlives us and takes everything down, however we end.
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { Program } from "./program.ts";

export const PYTHON = { name: "python3", path: "/usr/bin/python3" };
const IP = "/usr/sbin/ip";
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

export interface NetworkPlan {
  readonly places: readonly Place[];
  readonly seed: number;
  /** The folder of the run: it goes with the network, and so do the disks mounted in it. */
  readonly directory: string;
}

export class Network {
  readonly #router: Program;

  private constructor(router: Program) {
    this.#router = router;
  }

  static async create({ places, seed, directory }: NetworkPlan): Promise<Network> {
    const router = new Program({
      program: PYTHON.path,
      parameters: [path.join(import.meta.dirname, "router.py"), String(seed)],
      isLast: true,
    });
    const network = new Network(router);
    const described = places.map(({ name, address, nat = null, only = null }) => ({
      name,
      namespace: namespaceOf(name),
      address,
      nat,
      only,
    }));
    try {
      router.tell(JSON.stringify({ directory, places: described }));
      await router.mustSay((said) => said["ready"] === true);
      for (const { name, address } of places) configure(namespaceOf(name), address);
      return network;
    } catch (error) {
      await network.remove();
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

  /** Resolves when nothing is left. */
  async remove(): Promise<void> {
    this.#router.give("");
    await this.#router.exited;
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

/**
 * The real product as a team has it, in a network of its own: an edge, three hosts behind routers of their own (one of
 * them behind a company's proxy too), and a person who is signed in.
 */
import type { Closers } from "../../../agent/edge/closers.ts";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { HeadlessOperator } from "../../e2e/operator.ts";
import { Edge } from "./edge.ts";
import { Machine } from "./machine.ts";
import { namespaceOf, Network, type Place } from "./network.ts";
import { Program } from "./program.ts";

const EDGE = { name: "edge", address: "10.77.0.1" };
const PROXY = { name: "proxy", address: "10.77.9.1" };
const PROXY_PORT = 3_128;
const CONNECT_PROXY = path.join(import.meta.dirname, "connect-proxy.ts");

/** Names are the hosts' labels too. */
export const HOSTS = ["attic", "barn", "cellar"] as const;
/** The one that sees nothing of the world but the proxy. */
const PROXIED = "cellar";

const places: readonly Place[] = [
  EDGE,
  PROXY,
  ...HOSTS.map((name, i) => ({
    name,
    address: `10.77.${String(i + 1)}.1`,
    nat: `10.78.${String(i + 1)}.`,
    ...(name === PROXIED ? { only: PROXY.name } : {}),
  })),
];

const root = path.resolve(import.meta.dirname, "../../..");
const dist = process.env["CLAWHOLD_TEST_DIST"] ?? path.join(root, "dist");

export class Town {
  readonly network: Network;
  readonly edge: Edge;
  readonly machines: readonly Machine[];
  readonly operator: HeadlessOperator;
  #proxy: Program;

  private constructor(parts: Pick<Town, "network" | "edge" | "machines" | "operator">, proxy: Program) {
    this.network = parts.network;
    this.edge = parts.edge;
    this.machines = parts.machines;
    this.operator = parts.operator;
    this.#proxy = proxy;
  }

  static async start(seed: number, closers: Closers): Promise<Town> {
    const directory = mkdtempSync(path.join(tmpdir(), "clawhold-chaos-"));
    const network = await Network.create({ places, seed, directory });
    closers.push(() => network.remove());
    const program = path.join(dist, "clawhold.mjs");
    const edge = await Edge.open({ ...EDGE, directory, program });
    closers.push(
      () => edge.remove(),
      () => edge.halt(),
    );
    const proxy = await openProxy();
    const operator = await found(edge);
    closers.push(() => operator.close());
    const invitations = await Promise.all(HOSTS.map(() => invite(edge, program)));
    const joining = await Promise.allSettled(
      HOSTS.map(async (name, i) => {
        const plan = { name, directory: path.join(directory, name), program, environment: environmentOf(name) };
        const machine = await Machine.join(plan, invitations[i] ?? "");
        closers.push(
          () => machine.remove(),
          () => machine.halt(),
        );
        return machine;
      }),
    );
    const machines = joining.map((joined) => {
      if (joined.status === "rejected") throw joined.reason;
      return joined.value;
    });
    const town = new Town({ network, edge, machines, operator }, proxy);
    closers.push(() => town.#proxy.end("SIGKILL"));
    for (const machine of machines) {
      machine.start();
      await operator.admitFirstHost(machine.host);
    }
    return town;
  }

  async killProxy(): Promise<void> {
    await this.#proxy.end("SIGKILL");
    this.#proxy = await openProxy();
  }

  machine(name: string): Machine {
    const found = this.machines.find((one) => one.name === name);
    if (found === undefined) throw new TypeError(`no machine ${name}`);
    return found;
  }
}

async function openProxy(): Promise<Program> {
  const proxy = new Program({
    namespace: namespaceOf(PROXY.name),
    program: process.execPath,
    parameters: ["--no-warnings", CONNECT_PROXY, PROXY.address, String(PROXY_PORT)],
  });
  await proxy.mustSay((said) => said["event"] === "ready");
  return proxy;
}

function environmentOf(name: string): Readonly<Record<string, string>> {
  return name === PROXIED ? { HTTPS_PROXY: `http://${PROXY.address}:${String(PROXY_PORT)}` } : {};
}

/** The first start of an edge, to a workspace whose own host is admitted. */
async function found(edge: Edge): Promise<HeadlessOperator> {
  await edge.start();
  const setup = await edge.says((said) => said["event"] === "setup");
  const operator = await HeadlessOperator.create(edge.port);
  await operator.setUp(new URLSearchParams(new URL(String(setup["url"])).hash.slice(1)).get("seed") ?? "");
  await operator.admitFirstHost();
  await edge.says((said) => said["event"] === "admitted");
  return operator;
}

async function invite(edge: Edge, program: string): Promise<string> {
  const inviting = new Program({
    program: process.execPath,
    parameters: ["--no-warnings", program, "host", "invite", "--json", "--data", edge.dataDirectory],
  });
  return String((await inviting.mustSay((said) => said["event"] === "invite"))["joinFile"]);
}

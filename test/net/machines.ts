/**
 * Two machines without hardware, on one cable: a network namespace each, with an underlay between them that stands for
 * the internet. Nothing else is reachable. What a killed run left behind is swept before the next. Needs root.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import path from "node:path";
import { Program } from "./chaos/program.ts";
import { isNode } from "./node-process.ts";

const IP = "/usr/sbin/ip";
const NAMESPACES = "/run/netns";
const PREFIX = "clawvpn";

export const MACHINES = ["edge", "host"] as const;
export type MachineName = (typeof MACHINES)[number];
/** RFC 2544, for tests: public by our rule, so nothing may ever listen there. */
export const UNDERLAY: Readonly<Record<MachineName, string>> = { edge: "198.18.0.1", host: "198.18.0.2" };

export function namespaceOf(name: string): string {
  return `${PREFIX}-${String(process.pid)}-${name}`;
}

/** An interface name that no other run uses: the kernel allows fifteen characters. */
export function interfaceOf(kind: string, name: MachineName): string {
  return `${kind}${name[0] ?? ""}${String(process.pid % 1_000_000)}`;
}

export function makeMachines(): { remove(): void } {
  sweep();
  const [a, b] = MACHINES.map(namespaceOf);
  if (a === undefined || b === undefined) throw new TypeError("two machines");
  const remove = (): void => removeAll([a, b]);
  process.once("exit", remove);
  try {
    for (const namespace of [a, b]) {
      ip("netns", "add", namespace);
      ip("-n", namespace, "link", "set", "lo", "up");
    }
    ip("-n", a, "link", "add", "net0", "type", "veth", "peer", "name", "net0", "netns", b);
    for (const name of MACHINES) {
      ip("-n", namespaceOf(name), "address", "add", `${UNDERLAY[name]}/30`, "dev", "net0");
      ip("-n", namespaceOf(name), "link", "set", "net0", "up");
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    remove: () => {
      process.off("exit", remove);
      remove();
    },
  };
}

/** A single machine with loopback and no cable. */
export function makeLonely(name: string): { readonly namespace: string; remove(): void } {
  sweep();
  const namespace = namespaceOf(name);
  const remove = (): void => removeAll([namespace]);
  process.once("exit", remove);
  ip("netns", "add", namespace);
  ip("-n", namespace, "link", "set", "lo", "up");
  return {
    namespace,
    remove: () => {
      process.off("exit", remove);
      remove();
    },
  };
}

export function ip(...parameters: readonly string[]): void {
  inNamespace(undefined, IP, ...parameters);
}

/** Runs a program to its end, and throws when it does not like it. */
export function inNamespace(namespace: string | undefined, program: string, ...parameters: readonly string[]): string {
  const entered = namespace === undefined ? [] : ["/usr/bin/nsenter", `--net=/run/netns/${namespace}`];
  const [file = "", ...rest] = [...entered, program, ...parameters];
  const { status, stdout, stderr } = spawnSync(file, rest, { encoding: "utf8", maxBuffer: 1_048_576 });
  if (status !== 0) throw new Error(`${program} ${parameters.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

/** Everything that listens for TCP in a namespace, as the kernel lists it: `address:port`. */
export function listeners(namespace: string): readonly string[] {
  return inNamespace(namespace, "/usr/bin/ss", "-Hltn")
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[3] ?? "")
    .filter((place) => place !== "")
    .toSorted();
}

/** What answers a connection from a namespace, of these ports at this address. */
export function answering(namespace: string, address: string, ports: readonly number[]): readonly number[] {
  const script = `
    import { connect } from "node:net";
    const [address, ...ports] = process.argv.slice(1);
    const open = await Promise.all(ports.map((port) => new Promise((resolve) => {
      const socket = connect({ host: address, port: Number(port), timeout: 1000 });
      const over = (found) => { socket.destroy(); resolve(found); };
      socket.once("connect", () => over([Number(port)]));
      socket.once("error", () => over([]));
      socket.once("timeout", () => over([]));
    })));
    console.log(JSON.stringify(open.flat()));`;
  const text = inNamespace(
    namespace,
    process.execPath,
    "--input-type=module",
    "-e",
    script,
    address,
    ...ports.map(String),
  );
  return JSON.parse(text) as number[];
}

/** A way from here to a machine's loopback, at the same port: where a person who sits at that machine has a browser. */
export class Doorway {
  readonly port: number;
  readonly #outside: Server;
  readonly #sockets = new Set<Socket>();
  #door: Program | undefined;

  private constructor(outside: Server) {
    this.#outside = outside;
    this.port = (outside.address() as AddressInfo).port;
  }

  static async open(): Promise<Doorway> {
    const outside = createServer();
    await new Promise<void>((resolve) => outside.listen(0, "127.0.0.1", resolve));
    return new Doorway(outside);
  }

  async into(namespace: string, socketPath: string): Promise<void> {
    const program = path.join(import.meta.dirname, "chaos", "door.ts");
    const parameters = ["--no-warnings", program, socketPath, String(this.port)];
    this.#door = new Program({ namespace, program: process.execPath, parameters });
    await this.#door.mustSay((said) => said["event"] === "ready");
    this.#outside.on("connection", (near) => this.#carry(near, socketPath));
  }

  #carry(near: Socket, socketPath: string): void {
    const far = connect(socketPath);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }

  async close(): Promise<void> {
    await this.#door?.end("SIGKILL");
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#outside.close(() => resolve()));
  }
}

function removeAll(namespaces: readonly string[]): void {
  for (const namespace of namespaces) {
    if (existsSync(path.join(NAMESPACES, namespace))) spawnSync(IP, ["netns", "delete", namespace]);
  }
}

/** Namespaces of runs whose process is no more, or is another's by now. */
function sweep(): void {
  if (!existsSync(NAMESPACES)) return;
  const stale = readdirSync(NAMESPACES).filter((name) => {
    const [prefix, pid = ""] = name.split("-");
    return prefix === PREFIX && !isNode(pid);
  });
  removeAll(stale);
}

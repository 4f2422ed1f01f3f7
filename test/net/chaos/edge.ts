/**
 * The edge of a chaos run, in its own network and on its own small disk: the installed `up`, started again whenever it
 * ended, and a door through which a person's browser reaches its loopback.
 */
import { mkdirSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { findVictim } from "../../e2e/crash/processes.ts";
import { smallDisk, type SmallDisk } from "../../e2e/faults/small-disk.ts";
import { namespaceOf } from "./network.ts";
import { Program, type Said } from "./program.ts";

const DISK_MEGABYTES = 96;
const AGENT_PORT = 4_471;
const RESTART_MILLISECONDS = 300;
const DOOR = path.join(import.meta.dirname, "door.ts");

export interface EdgePlan {
  readonly name: string;
  readonly address: string;
  readonly directory: string;
  /** The built program. */
  readonly program: string;
}

export class Edge {
  /** The dashboard's, inside and out. */
  readonly port: number;
  readonly dataDirectory: string;
  readonly disk: SmallDisk;
  /** Starts that failed, and ends that nobody asked for. */
  readonly ends: string[] = [];
  /** Whatever it logged as a fault or an error, and how often. */
  readonly errors = new Map<string, number>();
  readonly #plan: EdgePlan;
  readonly #outside: Server;
  readonly #door: Program;
  readonly #browsers = new Set<Socket>();
  #up: Program | undefined;
  #isStopped = false;

  private constructor(plan: EdgePlan, parts: { outside: Server; door: Program; disk: SmallDisk }) {
    this.#plan = plan;
    this.#outside = parts.outside;
    this.#door = parts.door;
    this.disk = parts.disk;
    this.dataDirectory = path.join(plan.directory, "edge");
    this.port = (parts.outside.address() as AddressInfo).port;
    const socketPath = path.join(plan.directory, "door.sock");
    this.#outside.on("connection", (near) => this.#carry(near, socketPath));
  }

  static async open(plan: EdgePlan): Promise<Edge> {
    const dataDirectory = path.join(plan.directory, "edge");
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    const disk = smallDisk(DISK_MEGABYTES, dataDirectory);
    if (disk === undefined) throw new Error("a small disk could not be mounted");
    const outside = createServer();
    await new Promise<void>((resolve) => outside.listen(0, "127.0.0.1", resolve));
    const { port } = outside.address() as AddressInfo;
    const door = new Program({
      namespace: namespaceOf(plan.name),
      program: process.execPath,
      parameters: ["--no-warnings", DOOR, path.join(plan.directory, "door.sock"), String(port)],
    });
    await door.mustSay((said) => said["event"] === "ready");
    return new Edge(plan, { outside, door, disk });
  }

  #carry(near: Socket, socketPath: string): void {
    const far = connect(socketPath);
    this.#browsers.add(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.on("close", () => {
      this.#browsers.delete(near);
      far.destroy();
    });
    far.on("close", () => near.destroy());
    near.pipe(far).pipe(near);
  }

  /** Resolves once it is ready; a start that fails is tried again, as a service manager does. */
  async start(): Promise<void> {
    while (!this.#isStopped) {
      const up = this.#spawn();
      this.#up = up;
      const ready = await up.says((said) => said["event"] === "ready");
      if (ready !== undefined) {
        void up.exited.then((how) => this.#ended(up, how));
        return;
      }
      this.ends.push(`not started: ${up.lastWords}`);
      await wait(RESTART_MILLISECONDS);
    }
  }

  #spawn(): Program {
    const { name, address, program } = this.#plan;
    const ports = ["--port", String(this.port), "--agent-port", String(AGENT_PORT), "--bind", address];
    return new Program({
      namespace: namespaceOf(name),
      program: process.execPath,
      parameters: [
        "--no-warnings",
        program,
        "up",
        "--json",
        "--data",
        this.dataDirectory,
        "--gateway",
        "none",
        ...ports,
      ],
      environment: { HOME: this.dataDirectory, CLAWHOLD_RATE_FACTOR: "1000" },
      onLog: (line) => this.#note(line),
    });
  }

  /** The Worker's own lines come as text in the lines of `up`. */
  #note(line: string): void {
    const [, fault, detail = ""] = /fault\\*":\\*"([^"\\]+)\\*",\\*"detail\\*":\\*"([^"\\]{0,100})/.exec(line) ?? [];
    const code =
      fault === undefined
        ? /"level":"error".*"code":"([^"]+)"/.exec(line)?.[1]
        : `${fault}: ${detail.replace(/reference = .*/, "reference")}`;
    if (code !== undefined) this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  async #ended(up: Program, how: string): Promise<void> {
    if (this.#up !== up || this.#isStopped) return;
    this.ends.push(`${how}: ${up.lastWords}`);
    await wait(RESTART_MILLISECONDS);
    if (this.#up === up) await this.start();
  }

  says(fits: (said: Said) => boolean): Promise<Said> {
    if (this.#up === undefined) throw new TypeError("the edge was never started");
    return this.#up.mustSay(fits);
  }

  /** The front, and with it everything it started. */
  async replace(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const up = this.#up;
    this.#up = undefined;
    await up?.end(signal);
    await this.start();
  }

  /** Started again by `up`. */
  killWorkerd(): void {
    const pid = this.#up === undefined ? undefined : findVictim("workerd", this.#up.pid);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }

  /** The agent beside the edge; started again by `up`. */
  killAgent(): void {
    const pid = this.#up === undefined ? undefined : findVictim("agent", this.#up.pid);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }

  async fillDisk(milliseconds: number): Promise<void> {
    this.disk.fill();
    await wait(milliseconds);
    this.disk.free();
  }

  get lastLines(): readonly string[] {
    return this.#up?.log.slice(-25) ?? [];
  }

  async halt(): Promise<void> {
    this.#isStopped = true;
    const up = this.#up;
    this.#up = undefined;
    await up?.end();
    await this.#door.end("SIGKILL");
    for (const browser of this.#browsers) browser.destroy();
    await new Promise<void>((resolve) => this.#outside.close(() => resolve()));
  }

  remove(): void {
    this.disk.remove();
  }
}

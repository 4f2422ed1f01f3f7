/** A program on one of the machines of a chaos run: started in its network, ended with us, and its lines kept. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { withDeathSignal } from "../../../agent/host/demo/supervise.ts";

const NSENTER = "/usr/bin/nsenter";
/** Nothing here takes longer to say something, on a busy machine with a bad network. */
const PATIENCE_MILLISECONDS = 60_000;

export interface Plan {
  /** The namespace it runs in; ours unless given. */
  readonly namespace?: string;
  readonly program: string;
  readonly parameters: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** It learns from its closed input that we ended, and does then what is left to do. */
  readonly isLast?: boolean;
  /** Sees each line of standard error, for as long as the program lives. */
  readonly onLog?: (line: string) => void;
}

export interface Said {
  readonly [key: string]: unknown;
}

export class Program {
  readonly #child: ChildProcess;
  readonly said: Said[] = [];
  /** The newest lines of standard error. */
  readonly log: string[] = [];
  /** Resolves with how it ended, once all it said was read. */
  readonly exited: Promise<string>;
  #how: string | undefined;

  constructor(plan: Plan) {
    const entered =
      plan.namespace === undefined
        ? [plan.program, ...plan.parameters]
        : [NSENTER, `--net=/run/netns/${plan.namespace}`, plan.program, ...plan.parameters];
    const [program = "", ...rest] = entered;
    const [file, parameters] = plan.isLast === true ? [program, rest] : withDeathSignal(program, rest);
    this.#child = spawn(file, [...parameters], {
      // A group of its own: Ctrl-C on the terminal is for us, and what a fault kills is for the fault to say.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", ...plan.environment },
    });
    const { stdin, stdout, stderr } = this.#child;
    if (stdin === null || stdout === null || stderr === null) throw new TypeError("no pipes");
    stdin.on("error", () => undefined); // it ended before it read everything: `exited` tells
    createInterface({ input: stdout }).on("line", (line) => this.said.push(JSON.parse(line) as Said));
    createInterface({ input: stderr }).on("line", (line) => {
      plan.onLog?.(line);
      this.log.push(line);
      if (this.log.length > 200) this.log.shift();
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => {
        this.#how = signal ?? `code ${String(code)}`;
        resolve(this.#how);
      });
    });
  }

  /** Entering a namespace and asking for a death signal replace the process and keep its number. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new TypeError("it never started");
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#how === undefined;
  }

  /** The code of the error that it ended with, where it said one; else its last line. */
  get lastWords(): string {
    const error = this.said.findLast(({ event }) => event === "error");
    return error === undefined ? (this.log.at(-1) ?? "") : String(error["code"]);
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Everything that it reads. */
  give(input: string): void {
    this.#child.stdin?.end(input);
  }

  signal(name: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(name);
  }

  /** Ends it and resolves once it is gone. */
  async end(name: "SIGKILL" | "SIGTERM" = "SIGTERM"): Promise<void> {
    if (!this.isRunning) return;
    this.signal(name);
    await this.exited;
  }

  /** The first thing that fits of what it says from place `from` on; undefined when it ends first. */
  async says(fits: (said: Said) => boolean, from = 0): Promise<Said | undefined> {
    const until = performance.now() + PATIENCE_MILLISECONDS;
    for (;;) {
      const found = this.said.slice(from).find(fits);
      if (found !== undefined) return found;
      if (!this.isRunning) return undefined;
      if (performance.now() > until) throw new Error(`waited in vain; it said:\n${this.log.slice(-15).join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** As `says`, of a program that must not end before. */
  async mustSay(fits: (said: Said) => boolean, from = 0): Promise<Said> {
    const found = await this.says(fits, from);
    if (found !== undefined) return found;
    throw new Error(`it ended (${String(this.#how)}) and had said:\n${this.log.slice(-15).join("\n")}`);
  }
}

/** A running installation as a newcomer has it: the built program, its own data directory, its own ports. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

/** The built program; another folder lets two people test in one checkout. */
export const dist = process.env["CLAWHOLD_TEST_DIST"] ?? path.resolve(import.meta.dirname, "../../dist");

/** A demo gateway on a busy machine takes a minute; nothing here takes longer. */
const PATIENCE_MS = 120_000;

export interface UpEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** For operators that press faster than any person: the rates are many times what people need. */
export const AS_A_PROGRAM = { CLAWHOLD_RATE_FACTOR: "1000" } as const;

export interface UpOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly agentPort: number;
  readonly gateway: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another build than `dist`. */
  readonly build?: string;
}

export function temporaryDirectory(name: string): { readonly path: string; remove(): void } {
  const directory = mkdtempSync(path.join(tmpdir(), `clawhold-${name}-`));
  return { path: directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** `clawhold up --json`, with what it said and a way to wait for the next thing. */
export class Up {
  readonly child: ChildProcess;
  readonly events: UpEvent[] = [];
  readonly stderr: string[] = [];
  readonly exited: Promise<number>;
  readonly #waiting = new Set<() => void>();

  constructor(options: UpOptions) {
    const args = [
      "--no-warnings",
      path.join(options.build ?? dist, "clawhold.mjs"),
      "up",
      "--json",
      "--data",
      options.dataDir,
      "--port",
      String(options.port),
      "--agent-port",
      String(options.agentPort),
      "--gateway",
      options.gateway,
    ];
    this.child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    this.exited = new Promise((resolve) => this.child.on("exit", (code) => resolve(code ?? -1)));
    if (this.child.stdout === null || this.child.stderr === null) throw new TypeError("no pipes");
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      this.events.push(JSON.parse(line) as UpEvent);
      this.#wakeAll();
    });
    createInterface({ input: this.child.stderr }).on("line", (line) => {
      this.stderr.push(line);
      this.#wakeAll();
    });
    void this.exited.then(() => this.#wakeAll());
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves with the first event that fits, said before or after the call. */
  async event(fits: (event: UpEvent) => boolean, from = 0): Promise<UpEvent> {
    return this.#until(() => this.events.slice(from).find(fits), "an event");
  }

  /** Resolves with the first line on stderr that fits, from line `from` on. */
  async line(fits: (line: string) => boolean, from = 0): Promise<string> {
    return this.#until(() => this.stderr.slice(from).find(fits), "a line");
  }

  async #until<T>(look: () => T | undefined, what: string): Promise<T> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`up ended while ${what} was awaited:\n${this.stderr.slice(-20).join("\n")}`);
      }
      if (performance.now() > until) {
        const said = this.events.map((event) => event.event).join(", ");
        throw new Error(`waited in vain for ${what}; up said: ${said}\n${this.stderr.slice(-20).join("\n")}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => wake(), 1_000);
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  async stop(): Promise<number> {
    this.child.kill("SIGTERM");
    return this.exited;
  }
}

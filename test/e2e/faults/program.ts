/** The built program as a person at a terminal uses it: what it prints, and how it ends. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";

/** The built program; another folder lets two people test in one checkout. */
const dist = process.env["CLAWHOLD_TEST_DIST"] ?? path.resolve(import.meta.dirname, "../../../dist");

/** Nothing here takes longer, also on a busy machine. */
const PATIENCE_MS = 60_000;

export interface RunOptions {
  /** Standard input; empty unless given. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
  /** The words it was started with, as other users of the machine can read them. */
  readonly visible: string;
}

/** Runs a command to its end. */
export function clawhold(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(args, options);
  const visible = child.pid === undefined ? "" : readFileSync(`/proc/${child.pid}/cmdline`, "utf8");
  const out: string[] = [];
  const err: string[] = [];
  child.stdout?.on("data", (part: Buffer) => out.push(part.toString("utf8")));
  child.stderr?.on("data", (part: Buffer) => err.push(part.toString("utf8")));
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? undefined, out: out.join(""), err: err.join(""), visible });
    });
  });
}

function start(args: readonly string[], { input, env }: RunOptions): ChildProcess {
  const child = spawn(process.execPath, ["--no-warnings", path.join(dist, "clawhold.mjs"), ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  child.stdin?.end(input ?? "");
  return child;
}

export interface AgentSaid {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** `clawhold host run --json` over its own data directory: the agent of another machine. */
export class RunningHost {
  readonly #child: ChildProcess;
  readonly #said: AgentSaid[] = [];
  readonly #log: string[] = [];
  readonly #exited: Promise<void>;

  constructor(dataDir: string, env: Readonly<Record<string, string>> = {}) {
    this.#child = start(["host", "run", "--json", "--data", dataDir], { env });
    this.#exited = new Promise((resolve) => this.#child.on("exit", () => resolve()));
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new TypeError("no pipes");
    createInterface({ input: stdout }).on("line", (line) => this.#said.push(JSON.parse(line) as AgentSaid));
    createInterface({ input: stderr }).on("line", (line) => this.#log.push(line));
  }

  /** The first event that fits, said before or after the call. */
  async event(fits: (event: AgentSaid) => boolean): Promise<AgentSaid> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.#said.find(fits);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null || performance.now() > until) {
        throw new Error(
          `the agent did not say it:\n${[...this.#said.map((said) => JSON.stringify(said)), ...this.#log.slice(-15)].join("\n")}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Why there is no tunnel, once the agent says so with this code. */
  async problem(code: string): Promise<string> {
    return String((await this.event((said) => said["state"] === "waiting" && said["code"] === code))["problem"]);
  }

  /** Its connection stays open, and nothing answers on it. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#exited;
  }
}

/**
 * Supervises the one workerd process of a local edge: starts it, tells when it serves, starts it again when it dies,
 * and leaves no orphan. Secrets reach it by its environment alone. It is never given a network address.
 */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { accessSync, constants, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { withDeathSignal } from "../shared/death-signal.ts";
import { EdgeError, systemCode } from "../shared/edge-error.ts";
import type { EdgeLog } from "./edge-log.ts";
import { unixRequest } from "./unix-http.ts";

/** A start takes 50 ms; a machine that needs longer than this is not going to serve. */
const READY_TIMEOUT_SECONDS = 30;
const READY_POLL_MILLISECONDS = 10;
/** SIGTERM waits for requests in flight; storage is durable at every moment, so waiting longer gains nothing. */
const STOP_GRACE_MILLISECONDS = 3_000;
const FIRST_BACKOFF_MILLISECONDS = 100;
const MAX_BACKOFF_MILLISECONDS = 5_000;
/** Only a process that lived this long proves that the fault is over. */
const STABLE_MILLISECONDS = 30_000;
/** Kept to explain a failed start. */
const MAX_LAST_LINES = 5;

export interface WorkerdOptions {
  readonly configPath: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Removed before each start: workerd refuses to bind over the remains of a killed one. */
  readonly sockets: readonly string[];
  /** Answers HTTP once the Worker runs. */
  readonly readySocket: string;
  /** Inherited, so that the data directory stays locked as long as workerd lives. */
  readonly lockFd: number;
  readonly log: EdgeLog;
  /** For tests; otherwise the binary of the installed `workerd` package. */
  readonly binary?: string | undefined;
}

interface Run {
  readonly child: ChildProcess;
  readonly exited: Promise<string>;
  readonly lastLines: readonly string[];
  readonly startedAt: number;
}

export class Workerd {
  #options: WorkerdOptions;
  readonly #binary: string;
  readonly #stopping = new AbortController();
  #run: Run;
  #restarts = 0;
  /** Its next end was asked for. */
  #isAskedToEnd = false;
  #supervision: Promise<void> = Promise.resolve();

  /** Resolves when the Worker answers; a process that dies before is an error, not retried. */
  static async start(options: WorkerdOptions): Promise<Workerd> {
    const binary = requireBinary(options.binary ?? findBinary());
    const run = spawnWorkerd(binary, options);
    const failure = await becomesReady(run, options);
    if (failure !== undefined) {
      await end(run);
      throw new EdgeError("runtime_failed", `The edge runtime (workerd) did not start: ${failure}`);
    }
    return new Workerd(options, binary, run);
  }

  private constructor(options: WorkerdOptions, binary: string, run: Run) {
    this.#options = options;
    this.#binary = binary;
    this.#run = run;
    this.#supervision = this.#supervise();
  }

  get pid(): number | undefined {
    return this.#run.child.pid;
  }

  /** How often it had to be started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Ends the process, so that it is started again with these secrets; what asks it meanwhile has to ask again. Storage is on
   * disk at every moment, and hosts come back by themselves.
   */
  async restartWith(environment: WorkerdOptions["environment"]): Promise<void> {
    this.#options = { ...this.#options, environment };
    this.#isAskedToEnd = true;
    await end(this.#run);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await end(this.#run);
    await this.#supervision;
    removeSockets(this.#options.sockets);
  }

  async #supervise(): Promise<void> {
    let backoff = FIRST_BACKOFF_MILLISECONDS;
    for (;;) {
      const how = await this.#run.exited;
      if (this.#stopping.signal.aborted) return;
      if (Date.now() - this.#run.startedAt > STABLE_MILLISECONDS) backoff = FIRST_BACKOFF_MILLISECONDS;
      if (this.#isAskedToEnd) this.#log("info", "workerd_restarting", "it was asked to, for a new key");
      else this.#log("error", "workerd_exited", `${how}; starting again in ${backoff} ms`);
      this.#isAskedToEnd = false;
      if (!(await pause(backoff, this.#stopping.signal))) return;
      backoff = Math.min(backoff * 2, MAX_BACKOFF_MILLISECONDS);
      this.#restarts += 1;
      this.#run = spawnWorkerd(this.#binary, this.#options);
      const failure = await becomesReady(this.#run, this.#options, this.#stopping.signal);
      if (failure === undefined) this.#log("info", "workerd_restarted", `start number ${this.#restarts + 1} serves`);
      else await end(this.#run);
    }
  }

  #log(level: "info" | "error", code: string, detail: string): void {
    this.#options.log({ level, code, detail });
  }
}

/** Where the installed package keeps its binary for this platform. */
function findBinary(): string {
  try {
    const found: unknown = createRequire(import.meta.url)("workerd");
    if (typeof found === "object" && found !== null && "default" in found && typeof found.default === "string") {
      return found.default;
    }
  } catch (error) {
    throw missing("the package workerd is not installed for this platform", error);
  }
  throw missing("the package workerd does not name its binary", undefined);
}

function requireBinary(path: string): string {
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch (error) {
    throw missing(`${path} cannot be executed (${systemCode(error) ?? "error"})`, error);
  }
}

function missing(why: string, cause: unknown): EdgeError {
  return new EdgeError("runtime_missing", `The edge runtime is missing: ${why}. Install the dependencies: npm ci`, {
    cause,
  });
}

/**
 * Its own session (`detached`), so that Ctrl-C in a terminal reaches it only through our orderly stop; the kernel kills it
 * with us where that can be asked for. Either way the inherited lock keeps a second runtime out while it lives.
 */
function spawnWorkerd(binary: string, options: WorkerdOptions): Run {
  removeSockets(options.sockets);
  const [command, rest] = withDeathSignal(binary, ["serve", options.configPath]);
  const child = spawn(command, [...rest], {
    detached: true,
    env: { ...options.environment },
    stdio: ["ignore", "pipe", "pipe", options.lockFd],
  });
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      lastLines.push(line);
      if (lastLines.length > MAX_LAST_LINES) lastLines.shift();
      options.log({ level: "warn", code: "workerd_output", detail: line });
    });
  }
  const exited = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(`it could not be started (${systemCode(error) ?? error.message})`));
    child.on("close", (code, signal) =>
      resolve(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`),
    );
  });
  return { child, exited, lastLines, startedAt: Date.now() };
}

function removeSockets(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true });
}

/** Undefined when it answers, otherwise why it did not. Any HTTP answer will do: the Worker's code ran. */
async function becomesReady(run: Run, options: WorkerdOptions, stopping?: AbortSignal): Promise<string | undefined> {
  let ended: string | undefined;
  void run.exited.then((how) => (ended = how));
  const deadline = run.startedAt + READY_TIMEOUT_SECONDS * 1000;
  while (Date.now() < deadline && stopping?.aborted !== true) {
    if (ended !== undefined) return `${ended}. ${run.lastLines.join(" ")}`;
    try {
      await unixRequest({ socketPath: options.readySocket, path: "/health", timeoutSeconds: READY_TIMEOUT_SECONDS });
      return undefined;
    } catch {
      // Not listening yet; or it died, which the next round sees.
      await sleep(READY_POLL_MILLISECONDS);
    }
  }
  return `it did not answer within ${READY_TIMEOUT_SECONDS} s`;
}

async function end(run: Run): Promise<void> {
  run.child.kill("SIGTERM");
  run.child.kill("SIGCONT"); // a backup may hold it still just now
  const timer = setTimeout(() => run.child.kill("SIGKILL"), STOP_GRACE_MILLISECONDS);
  await run.exited;
  clearTimeout(timer);
}

/** False when the wait was cut short by a stop. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(milliseconds, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/**
 * Keeps one child process running and takes it down with us: politely when asked, by the kernel when we are killed.
 * It restarts a crash with growing pauses and gives up on an exit code that means "my configuration is wrong".
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { kill } from "node:process";
import { withDeathSignal } from "../../shared/death-signal.ts";
import type { Wanted } from "./wanted-file.ts";

export { withDeathSignal };

/** The gateway's exit code for a configuration that it cannot use. */
export const EXIT_CONFIGURATION = 78;
/** Idle it stops in two seconds; the demo has nothing worth a longer wait. */
const STOP_MILLISECONDS = 10_000;
const FIRST_PAUSE_MILLISECONDS = 1_000;
const LAST_PAUSE_MILLISECONDS = 30_000;
/** After running this long a crash counts as the first again. */
const STEADY_MILLISECONDS = 60_000;
const LOOK_MILLISECONDS = 300;

export interface ChildPlan {
  readonly program: string;
  readonly parameters: readonly string[];
  readonly directory: string;
  /** Asked at each start: a secret in it may have changed. */
  readonly environment: () => Readonly<Record<string, string>>;
  /** Looked at again and again; absent: it always runs. */
  readonly wanted?: () => Wanted;
  /** A file descriptor for the child's output. */
  readonly output: number;
  /** A code, for our own log. */
  readonly log: (code: string, detail: Readonly<Record<string, string>>) => void;
}

export interface Supervised {
  /** Undefined while it runs or will be started again. */
  exitCode(): number | undefined;
  stop(): Promise<void>;
}

export function supervise(plan: ChildPlan): Supervised {
  const keeper = new Keeper(plan);
  keeper.start();
  return { exitCode: () => keeper.finalCode, stop: () => keeper.stop() };
}

class Keeper {
  finalCode: number | undefined;
  readonly #plan: ChildPlan;
  readonly #look: NodeJS.Timeout | undefined;
  #wanted: Wanted;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #failures = 0;
  #startedAt = 0;

  constructor(plan: ChildPlan) {
    this.#plan = plan;
    this.#wanted = plan.wanted?.() ?? { runs: true, request: "" };
    if (plan.wanted !== undefined) this.#look = setInterval(() => this.#obey(), LOOK_MILLISECONDS);
  }

  start(): void {
    const plan = this.#plan;
    const [program, parameters] = withDeathSignal(plan.program, plan.parameters);
    this.#startedAt = performance.now();
    const child = spawn(program, parameters, {
      cwd: plan.directory,
      env: { ...plan.environment() },
      stdio: ["ignore", plan.output, plan.output],
      // Its own group, so that its helpers go with it.
      detached: true,
    });
    this.#child = child;
    child.once("error", (error: NodeJS.ErrnoException) => this.#ended(undefined, error.code ?? "unknown"));
    child.once("exit", (code, signal) => this.#ended(code ?? undefined, signal ?? "exit"));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#look);
    clearTimeout(this.#timer);
    if (this.#child !== undefined) await stopChild(this.#child);
  }

  #ended(code: number | undefined, how: string): void {
    killGroup(this.#child, "SIGKILL");
    this.#child = undefined;
    if (this.#isStopped || !this.#wanted.runs) return;
    this.#plan.log("demo_gateway_ended", { how, code: code === undefined ? "none" : String(code) });
    if (code === EXIT_CONFIGURATION) {
      this.finalCode = code;
      return;
    }
    this.#failures = performance.now() - this.#startedAt > STEADY_MILLISECONDS ? 0 : this.#failures + 1;
    const pause = Math.min(LAST_PAUSE_MILLISECONDS, FIRST_PAUSE_MILLISECONDS * 2 ** this.#failures);
    this.#timer = setTimeout(() => this.start(), pause);
  }

  /** Somebody asked for something else: a start also after it gave up, a stop that no crash restart undoes. */
  #obey(): void {
    const now = this.#plan.wanted?.() ?? this.#wanted;
    if (now.request === this.#wanted.request) return;
    this.#wanted = now;
    clearTimeout(this.#timer);
    if (!now.runs) {
      if (this.#child !== undefined) void stopChild(this.#child);
      return;
    }
    this.finalCode = undefined;
    this.#failures = 0;
    // One that is still on its way down comes back like one that crashed.
    if (this.#child === undefined) this.start();
  }
}

function stopChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const hard = setTimeout(() => killGroup(child, "SIGKILL"), STOP_MILLISECONDS);
    child.once("exit", () => {
      clearTimeout(hard);
      resolve();
    });
    killGroup(child, "SIGTERM");
  });
}

function killGroup(child: ChildProcess | undefined, signal: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    kill(-child.pid, signal);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ESRCH") throw error;
  }
}

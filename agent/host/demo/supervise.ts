/**
 * Keeps one child process running and takes it down with us: politely when asked, by the kernel when we are killed.
 * It restarts a crash with growing pauses and gives up on an exit code that means "my configuration is wrong".
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { kill } from "node:process";
import { withDeathSignal } from "../../shared/death-signal.ts";

export { withDeathSignal };

/** The gateway's exit code for a configuration that it cannot use. */
export const EXIT_CONFIGURATION = 78;
/** Idle it stops in two seconds; the demo has nothing worth a longer wait. */
const STOP_MILLISECONDS = 10_000;
const FIRST_PAUSE_MILLISECONDS = 1_000;
const LAST_PAUSE_MILLISECONDS = 30_000;
/** After running this long a crash counts as the first again. */
const STEADY_MILLISECONDS = 60_000;

export interface ChildPlan {
  readonly program: string;
  readonly parameters: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
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
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let failures = 0;
  let finalCode: number | undefined;
  let startedAt = 0;

  function start(): void {
    const [program, parameters] = withDeathSignal(plan.program, plan.parameters);
    startedAt = performance.now();
    child = spawn(program, parameters, {
      cwd: plan.directory,
      env: { ...plan.environment },
      stdio: ["ignore", plan.output, plan.output],
      // Its own group, so that its helpers go with it.
      detached: true,
    });
    child.once("error", (error: NodeJS.ErrnoException) => ended(undefined, error.code ?? "unknown"));
    child.once("exit", (code, signal) => ended(code ?? undefined, signal ?? "exit"));
  }

  function ended(code: number | undefined, how: string): void {
    killGroup(child, "SIGKILL");
    child = undefined;
    if (isStopped) return;
    plan.log("demo_gateway_ended", { how, code: code === undefined ? "none" : String(code) });
    if (code === EXIT_CONFIGURATION) {
      finalCode = code;
      return;
    }
    failures = performance.now() - startedAt > STEADY_MILLISECONDS ? 0 : failures + 1;
    timer = setTimeout(start, Math.min(LAST_PAUSE_MILLISECONDS, FIRST_PAUSE_MILLISECONDS * 2 ** failures));
  }

  start();
  return {
    exitCode: () => finalCode,
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      if (child !== undefined) await stopChild(child);
    },
  };
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

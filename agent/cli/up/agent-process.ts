/**
 * The agent of this machine as a child process of `up`: started again with growing pauses when it ends, ended with us
 * however we end. Its events and log lines are passed on; it shares nothing else with the edge.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { withDeathSignal } from "../../shared/death-signal.ts";

export interface AgentProcessOptions {
  readonly node: string;
  readonly entry: string;
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** One line of standard output: an event as JSON. */
  readonly onEvent: (line: string) => void;
  /** One line of standard error: a log line as JSON, or a sentence. */
  readonly onLog: (line: string) => void;
  readonly onStart: (pid: number) => void;
  readonly onEnd: (how: string, pauseMilliseconds: number) => void;
}

export interface AgentProcess {
  /** Ends the running agent and starts one that reads its state anew. */
  restart(): void;
  /** Undefined while none runs. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/**
 * How Node runs an agent: no optimising compilers, whose code alone is 8 MB of memory, a nursery of 1 MB, and collection in
 * quiet moments (agent/host/quiet-heap.ts). agent/launch.cjs has the same list.
 */
export const AGENT_FLAGS: readonly string[] = [
  "--no-warnings",
  "--expose-gc",
  "--no-opt",
  "--no-maglev",
  "--max-semi-space-size=1",
];

const FIRST_PAUSE_MILLISECONDS = 500;
const LAST_PAUSE_MILLISECONDS = 30_000;
/** After running this long, an end counts as the first again. */
const STEADY_MILLISECONDS = 60_000;
/** Longer than closing a tunnel; a command that runs longer is found interrupted at the next start. */
const STOP_MILLISECONDS = 10_000;

export function startAgentProcess(options: AgentProcessOptions): AgentProcess {
  const supervisor = new Supervisor(options);
  supervisor.start();
  return {
    restart: () => supervisor.restart(),
    get pid() {
      return supervisor.pid;
    },
    stop: () => supervisor.stop(),
  };
}

class Supervisor {
  readonly #options: AgentProcessOptions;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #isRestarting = false;
  #ends = 0;

  constructor(options: AgentProcessOptions) {
    this.#options = options;
  }

  start(): void {
    const { node, entry, dataDirectory, environment } = this.#options;
    const [program, parameters] = withDeathSignal(node, [
      ...AGENT_FLAGS,
      entry,
      "host",
      "run",
      "--json",
      "--data",
      dataDirectory,
    ]);
    const startedAt = performance.now();
    // A group of its own: Ctrl-C on the terminal reaches us alone, and we end it in order.
    const child = spawn(program, [...parameters], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...environment },
      detached: true,
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", this.#options.onEvent);
    createInterface({ input: child.stderr }).on("line", this.#options.onLog);
    if (child.pid !== undefined) this.#options.onStart(child.pid);
    let isOver = false;
    const over = (how: string): void => {
      if (isOver) return;
      isOver = true;
      this.#ended(how, performance.now() - startedAt);
    };
    child.once("error", (error: NodeJS.ErrnoException) => over(error.code ?? "unknown"));
    child.once("exit", (code, signal) => over(signal ?? `code ${String(code)}`));
  }

  restart(): void {
    if (this.#child === undefined) return;
    this.#isRestarting = true;
    end(this.#child);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.once("exit", () => resolve());
      end(child);
    });
  }

  #ended(how: string, ranMilliseconds: number): void {
    this.#child = undefined;
    if (this.#isStopped) return;
    const wasAsked = this.#isRestarting;
    this.#isRestarting = false;
    this.#ends = wasAsked || ranMilliseconds > STEADY_MILLISECONDS ? 0 : this.#ends + 1;
    const pause = wasAsked
      ? 0
      : Math.min(FIRST_PAUSE_MILLISECONDS * 2 ** (this.#ends - 1 < 0 ? 0 : this.#ends - 1), LAST_PAUSE_MILLISECONDS);
    if (!wasAsked) this.#options.onEnd(how, pause);
    this.#timer = setTimeout(() => this.start(), pause);
  }
}

function end(child: ChildProcess): void {
  child.kill("SIGTERM");
  child.kill("SIGCONT"); // a backup may hold it still just now
  const hard = setTimeout(() => child.kill("SIGKILL"), STOP_MILLISECONDS);
  child.once("exit", () => clearTimeout(hard));
}

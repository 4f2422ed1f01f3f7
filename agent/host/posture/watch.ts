/**
 * Lets the host be looked at each minute by a program that ends when it has looked, and hands on what it found. For an agent that
 * is one process; on an installed host timers of systemd start the same program, and `followFigures` reads what it says there.
 */
import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import * as v from "valibot";
import type { ScanLane } from "../../../protocol/posture/words.ts";
import { postureSchema, type PostureFigures } from "../../../protocol/telemetry.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { figuresOf } from "./figures.ts";
import type { PostureStore } from "./store.ts";

/** With the scan itself and the way to the edge below the minute in which a change has to be told. */
export const LOOK_MILLISECONDS = 50_000;
/** What starts beside it is in a hurry. */
const FIRST_LOOK_MILLISECONDS = 20_000;
const SLOW_SECONDS = 86_400;
/** As on an installed host: whoever has just started something has better things for the machine to do. */
const FIRST_SLOW_SECONDS = 600;
const SCAN_MILLISECONDS = 60_000;
const MAX_REPORT_BYTES = 4 << 20;

export interface PostureWatchDeps {
  readonly store: PostureStore;
  /** Runs one scan of that lane to its end. Rejects when there was none. */
  readonly scan: (lane: ScanLane) => Promise<void>;
  /** Codes only. */
  readonly log: (code: string) => void;
  readonly onChange: () => void;
  /** Wall clock, seconds. */
  readonly now: () => number;
  readonly lookMilliseconds?: number;
  readonly firstLookMilliseconds?: number;
}

export interface PostureWatch {
  /** Of the newest report; undefined before there is one. */
  figures(): PostureFigures | undefined;
  /** Looks again now. Never rejects. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

export function startPostureWatch(deps: PostureWatchDeps): PostureWatch {
  return new Watch(deps);
}

class Watch implements PostureWatch {
  readonly #deps: PostureWatchDeps;
  readonly #every: number;
  #timer: NodeJS.Timeout | undefined;
  #figures: PostureFigures | undefined;
  #slowAt: number;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(deps: PostureWatchDeps) {
    this.#deps = deps;
    this.#every = deps.lookMilliseconds ?? LOOK_MILLISECONDS;
    this.#slowAt = deps.now() - SLOW_SECONDS + FIRST_SLOW_SECONDS;
    this.#take();
    this.#plan(deps.firstLookMilliseconds ?? FIRST_LOOK_MILLISECONDS);
  }

  figures(): PostureFigures | undefined {
    return this.#figures;
  }

  refresh(): Promise<void> {
    this.#running = this.#running.then(() => this.#look());
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #plan(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      void this.refresh().then(() => {
        if (!this.#isStopped) this.#plan(this.#every);
      });
    }, milliseconds);
  }

  async #look(): Promise<void> {
    if (this.#isStopped) return;
    const { scan, log, now } = this.#deps;
    const lane: ScanLane = now() - this.#slowAt >= SLOW_SECONDS ? "slow" : "fast";
    try {
      await scan(lane);
      if (lane === "slow") this.#slowAt = now();
    } catch (error) {
      log(systemCode(error) ?? "posture_scan_failed");
      return;
    }
    this.#take();
    this.#deps.onChange();
  }

  #take(): void {
    const report = this.#deps.store.report();
    if (report !== undefined) this.#figures = figuresOf(report);
  }
}

/** One scan by the program itself: `argv` starts `posture.cjs scan --directory ...`. */
export function scanByChild(argv: readonly string[]): PostureWatchDeps["scan"] {
  const [program = "", ...rest] = argv;
  const options = { timeout: SCAN_MILLISECONDS, maxBuffer: MAX_REPORT_BYTES, killSignal: "SIGKILL" } as const;
  return (lane) =>
    new Promise((resolve, reject) => {
      execFile(program, [...rest, "--lane", lane], options, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
}

/** What a scan of another process left for whoever reports. Anything else in that file is no figure. */
export function followFigures(path: string): () => PostureFigures | undefined {
  let seen: { readonly modified: number; readonly figures: PostureFigures | undefined } | undefined;
  return () => {
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (modified === undefined) return undefined;
    if (seen?.modified !== modified) seen = { modified, figures: readFigures(path) };
    return seen.figures;
  };
}

function readFigures(path: string): PostureFigures | undefined {
  try {
    const result = v.safeParse(postureSchema, JSON.parse(readFileSync(path, "utf8")));
    return result.success ? result.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

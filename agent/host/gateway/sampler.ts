/**
 * Notes once a minute how the gateway stands, for the curves. It asks the gateway two cheap questions on the reader's
 * connection and none when there is nothing new to ask about; it may not hold a connection of its own, keep a name or a
 * text, or stop for anything that the gateway does.
 */
import { createHash } from "node:crypto";
import type { Sample } from "../../../protocol/history.ts";
import { MAX_SAMPLES, SAMPLE_SECONDS } from "../../../protocol/limits.ts";
import type { Telemetry } from "../../../protocol/telemetry.ts";
import type { GatewayConnection } from "./client.ts";
import { GatewayError } from "./faults.ts";
import type { HistoryFile } from "./history-file.ts";
import { readOutcomes, readShares, type JobOutcomes, type Shares } from "./shares.ts";
import type { Tags } from "./tags.ts";

/** Counters of a day lose nothing when the newest minutes are lost, so the disk is not touched every minute. */
const WRITE_SAMPLES = 5;
/** Runs that ended within a minute; more are not counted. */
const MAX_RUNS = 50;
const SAMPLE_MILLISECONDS = SAMPLE_SECONDS * 1_000;
/** Not at the minute itself, when jobs begin. */
const OFFSET_MILLISECONDS = 20_000;

export interface SamplerDeps {
  readonly telemetry: () => Telemetry | undefined;
  /** The reader's; undefined while there is none. */
  readonly connection: () => GatewayConnection | undefined;
  readonly tags: Tags;
  readonly file: HistoryFile;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  /** Codes only. */
  readonly log: (code: string, detail?: Readonly<Record<string, string>>) => void;
}

export interface Sampler {
  /** Those after a time, in seconds, oldest first. */
  after(at: number): readonly Sample[];
  /** One sample now; the timer calls it. */
  note(): Promise<void>;
  stop(): void;
}

export function startSampler(deps: SamplerDeps): Sampler {
  const notes = new Notes(deps);
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    const pause = SAMPLE_MILLISECONDS - ((deps.now() - OFFSET_MILLISECONDS) % SAMPLE_MILLISECONDS);
    timer = setTimeout(() => void notes.note().finally(next), pause);
  };
  next();
  return {
    after: (at) => notes.kept.filter((sample) => sample.at > at),
    note: () => notes.note(),
    stop: () => {
      clearTimeout(timer);
      notes.stop();
    },
  };
}

class Notes {
  kept: readonly Sample[];
  readonly #deps: SamplerDeps;
  #unwritten = 0;
  #isStopped = false;
  /** The day's shares as they were for so many tokens: asked again when those moved. */
  #shares: { readonly day: string; readonly tokens: number | undefined; readonly shares: Shares } | undefined;
  /** Milliseconds: outcomes up to here are counted. */
  #outcomesUntil: number;

  constructor(deps: SamplerDeps) {
    this.#deps = deps;
    this.kept = deps.file.read();
    const newest = this.kept.at(-1);
    this.#outcomesUntil = newest === undefined ? deps.now() : newest.at * 1_000;
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#unwritten > 0) this.#write();
  }

  async note(): Promise<void> {
    const { telemetry, now } = this.#deps;
    const seen = telemetry();
    if (this.#isStopped || seen === undefined) return;
    const usage = await this.#usage(seen);
    const jobs = await this.#outcomes(seen);
    const at = Math.floor(now() / 1_000);
    const { gateway, sessions } = seen;
    const sample: Sample = {
      at,
      state: gateway.state,
      ...(gateway.bootId === undefined ? {} : { boot: bootOf(gateway.bootId) }),
      ...(sessions === undefined ? {} : { sessions: sessions.active }),
      ...(gateway.rssBytes === undefined ? {} : { rssBytes: gateway.rssBytes }),
      ...(gateway.eventLoopDelayMs === undefined ? {} : { loopMs: gateway.eventLoopDelayMs }),
      ...(jobs === undefined ? {} : { jobs }),
      ...(usage === undefined ? {} : { usage }),
    };
    // A clock that was ahead and is right again: what it noted lies in the future, and would be refused.
    this.kept = [...this.kept.filter((kept) => kept.at < at), sample].slice(-MAX_SAMPLES);
    this.#unwritten += 1;
    if (this.#unwritten >= WRITE_SAMPLES) this.#write();
  }

  #write(): void {
    this.#unwritten = 0;
    this.#deps.file.write(this.kept);
  }

  /** While the gateway computes, a day looks smaller than it is: then it must have been heard of, and have grown. */
  async #usage({ usage }: Telemetry): Promise<Sample["usage"]> {
    if (usage === undefined) return undefined;
    const { day, totalTokens: tokens, costMicros, freshness } = usage;
    const before = this.kept.findLast((kept) => kept.usage !== undefined)?.usage;
    if (freshness !== "fresh" && (before?.day !== day || tokens < before.tokens)) return undefined;
    if (this.#shares?.day !== day || this.#shares.tokens !== tokens) {
      const range = { startDate: day, endDate: day, mode: "gateway", agentScope: "all", limit: 1 };
      const answer = await this.#ask("sessions.usage", range);
      const shares = answer === undefined ? undefined : readShares(answer, this.#deps.tags);
      // What is not whole is asked for again the next time.
      if (shares !== undefined) this.#shares = { day, tokens: shares.isWhole ? tokens : undefined, shares };
    }
    const { models, agents } = this.#shares?.day === day ? this.#shares.shares : { models: [], agents: [] };
    return { day, tokens, costMicros, models, agents };
  }

  async #outcomes({ cron }: Telemetry): Promise<JobOutcomes | undefined> {
    const until = this.#deps.now();
    if (cron?.total === 0) {
      this.#outcomesUntil = until;
      return undefined;
    }
    const answer = await this.#ask("cron.runs", { scope: "all", limit: MAX_RUNS, sortDir: "desc" });
    const outcomes = answer === undefined ? undefined : readOutcomes(answer, this.#outcomesUntil, until);
    if (outcomes !== undefined) this.#outcomesUntil = until;
    return outcomes;
  }

  async #ask(method: string, parameters: object): Promise<unknown> {
    try {
      return await this.#deps.connection()?.call(method, parameters);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#deps.log("sample_incomplete", { code: error.code });
      return undefined;
    }
  }
}

function bootOf(bootId: string): string {
  return createHash("sha256").update(bootId, "utf8").digest("hex").slice(0, 16);
}

/**
 * What pages read of a host's gateway: asked with a key made for the one question, kept in memory for as long as this
 * sign-in. The work of a question (keys, proofs, opening) is read-host.ts, fetched when something is read.
 * May not: store an answer, or show one as newer than it is.
 */
import { encodeCanonical } from "../../protocol/canonical.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import type { ReadName, ReadResult } from "../../protocol/reads.ts";
import type { Result } from "../state/backend.ts";
import type { ChosenPlan, KeptReading, Question, ReadingDesk } from "../state/readings.ts";
import { askHost, startAsking, type Answer as ChallengeAnswer, type CommandDeps } from "./asking.ts";
import { monotonicMs } from "./clock.ts";
import { arrived } from "./late.ts";
import { resultOf } from "./trouble.ts";

/** Lists and texts of a few hosts; the oldest go first. */
const MAX_KEPT = 64;
/** Below the five minutes that a challenge lives. */
const REUSED_MS = 240_000;

interface Told {
  readonly now: number;
  readonly heardMs: number;
}

/** What each host said last of its own time, carried forward on this page's monotonic clock. */
export class HostTimes {
  readonly #told = new Map<string, Told>();
  readonly #edgeNow: () => number;

  constructor(edgeNow: () => number) {
    this.#edgeNow = edgeNow;
  }

  heard(host: string, now: number): void {
    this.#told.set(host, { now, heardMs: monotonicMs() });
  }

  /** Before the host said anything, the edge's. */
  now(host: string): number {
    const told = this.#told.get(host);
    return told === undefined ? this.#edgeNow() : told.now + Math.floor((monotonicMs() - told.heardMs) / 1_000);
  }
}

type Kept = KeptReading<ReadName>;

export class Readings implements ReadingDesk {
  readonly #deps: CommandDeps;
  readonly #times: HostTimes;
  readonly #kept = new Map<string, Kept>();
  readonly #challenges = new Map<string, { readonly session: string | undefined; readonly answer: ChallengeAnswer }>();
  readonly #asking = new Map<string, Promise<Result<Kept>>>();

  constructor(deps: CommandDeps) {
    this.#deps = deps;
    this.#times = new HostTimes(deps.now);
  }

  forget(): void {
    this.#kept.clear();
    this.#challenges.clear();
    this.#asking.clear();
  }

  /** Two parts of a page that ask the same at once share one answer. */
  read<N extends ReadName>(question: Question<N>): Promise<Result<KeptReading<N>>> {
    const name = nameOf(question);
    const open = this.#asking.get(name) ?? this.#ask(name, question);
    return open as Promise<Result<KeptReading<N>>>; // named by the operation, so it has its type
  }

  last<N extends ReadName>(question: Question<N>): KeptReading<N> | undefined {
    return this.#kept.get(nameOf(question)) as KeptReading<N> | undefined;
  }

  planWith({ host, check, options }: ChosenPlan): Promise<Result<ReadResult<"posture.plan-with@1">>> {
    return resultOf(async () => {
      const { readHost, sealQuestion } = await this.#work();
      const answer = await this.#answerFor(host);
      const sealed = await sealQuestion(answer, "posture.plan-with@1", options);
      const question = { host, operation: "posture.plan-with@1", args: { check, ...sealed } } as const;
      return readHost(this.#deps, this.#times, question);
    });
  }

  /** One challenge serves several looks at a plan: a person holds few of them at once. */
  async #answerFor(host: string): Promise<ChallengeAnswer> {
    const session = this.#deps.keys.session.value?.digest;
    const kept = this.#challenges.get(host);
    if (kept?.session === session && kept !== undefined && monotonicMs() - kept.answer.answeredMs < REUSED_MS)
      return kept.answer;
    const asking = await startAsking(this.#deps);
    const answer = await askHost(asking, { operation: "posture.fix-with@1", hostId: host });
    this.#challenges.set(host, { session: asking.session.digest, answer });
    return answer;
  }

  async #work() {
    const [{ readHost }, { sealQuestion }] = await Promise.all([
      arrived(import("./read-host.ts")),
      arrived(import("./sealed-content.ts")),
    ]);
    return { readHost, sealQuestion };
  }

  #ask(name: string, question: Question<ReadName>): Promise<Result<Kept>> {
    const session = this.#deps.keys.session.value?.digest;
    const asked = resultOf(async () => {
      const { readHost } = await arrived(import("./read-host.ts"));
      const value = await readHost(this.#deps, this.#times, question);
      const kept: Kept = { value, readAt: this.#deps.now() };
      // An answer that outlived its sign-in is nobody's.
      if (this.#deps.keys.session.value?.digest === session) this.#keep(name, kept);
      return kept;
    }).finally(() => {
      if (this.#asking.get(name) === asked) this.#asking.delete(name);
    });
    this.#asking.set(name, asked);
    return asked;
  }

  #keep(name: string, kept: Kept): void {
    this.#kept.delete(name);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(name, kept);
  }
}

function nameOf({ host, operation, args }: Question<ReadName>): string {
  return utf8Text(encodeCanonical({ host, operation, args }));
}

/**
 * Answers a gateway's questions before commands, for people. While it is switched on, one connection stays open that the
 * gateway counts as somebody who can answer; it takes note that something changed, asks for the list, and calls one
 * method: resolve. It shows one question at a time, at most ten in an hour, and says no to the rest by itself: nobody
 * decides well under a flood.
 *
 * The gateway is hostile: what is shown is what was read whole; what is answered is checked against what stands there
 * at that moment, with everything that the command names on this machine.
 */
import { MAX_EXEC_QUESTIONS_PER_HOUR } from "../../../../protocol/limits.ts";
import type { Telemetry } from "../../../../protocol/telemetry.ts";
import type { GatewayConnection } from "../client.ts";
import { GatewayError } from "../faults.ts";
import { field } from "../wire.ts";
import { readQuestions, shown, type Decision, type Question, type ShownQuestion } from "./question.ts";
import type { QuestionSwitch } from "./switch.ts";

const HOUR_MILLISECONDS = 3_600_000;
/** Beside the events: whatever they did not tell is seen by then. */
const LOOK_MILLISECONDS = 15_000;
const FIRST_PAUSE_MILLISECONDS = 1_000;
const LONGEST_PAUSE_MILLISECONDS = 30_000;
/** More rows than any honest gateway holds open; the others are not looked at. */
const MAX_ROWS = 200;
/** Questions answered by a person or by us are remembered this long, so that none is counted twice. */
const MAX_REMEMBERED = 1_000;

export interface QuestionsDeps {
  readonly switch: QuestionSwitch;
  /** A connection that counts as an answering one. @throws {GatewayError} */
  readonly open: (onEvent: () => void) => Promise<GatewayConnection>;
  readonly tag: (id: string) => string;
  /** What the command names on this machine now. */
  readonly footprint: (question: Question) => Promise<string>;
  /** Something that telemetry says has changed. */
  readonly onChange: () => void;
  readonly log: (code: string, detail?: Readonly<Record<string, string>>) => void;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  readonly wait: (milliseconds: number) => Promise<void>;
}

/** What became of an answer, as a code of this program; `undefined`: the gateway holds exactly this decision. */
export type AnswerTrouble = "not_watching" | "not_there" | "changed" | "not_offered" | "gateway" | "other_answer";

export class Questions {
  readonly #deps: QuestionsDeps;
  #connection: GatewayConnection | undefined;
  #waiting: readonly Question[] = [];
  /** The one that a person sees. */
  #shownId: string | undefined;
  /** When each of the last hour's was first shown; monotonic milliseconds. */
  #shownAt: number[] = [];
  readonly #seen = new Set<string>();
  #deniedUnasked = 0;
  readonly #denied = new Set<string>();
  #isStopped = false;
  #wake: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #running: Promise<void> | undefined;

  constructor(deps: QuestionsDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#deps.switch.isOn) this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#connection?.close();
    this.#wake?.();
    await this.#running;
  }

  get isOn(): boolean {
    return this.#deps.switch.isOn;
  }

  /** For telemetry; undefined while switched off. */
  get figures(): Telemetry["questions"] {
    if (!this.isOn) return undefined;
    return { waiting: this.#waiting.length, deniedUnasked: this.#deniedUnasked };
  }

  /** @throws what writing a file throws */
  async set(on: boolean): Promise<void> {
    this.#deps.switch.set(on);
    if (on) {
      this.#running ??= this.#run();
    } else {
      this.#connection?.close();
      this.#wake?.();
      await this.#running;
      this.#running = undefined;
      this.#waiting = [];
    }
    this.#deps.onChange();
  }

  /** Resolves when the gateway counts us as somebody who can answer, or false after a while. */
  async connected(milliseconds: number): Promise<boolean> {
    const until = this.#deps.elapsed() + milliseconds;
    while (this.#connection === undefined && this.#deps.elapsed() < until && !this.#isStopped)
      await this.#deps.wait(100);
    return this.#connection !== undefined;
  }

  /** The one to decide now, as it stands now. */
  async current(): Promise<{
    readonly question: ShownQuestion | undefined;
    readonly behind: number;
    readonly deniedUnasked: number;
  }> {
    if (this.#connection !== undefined) await this.#look();
    const question = this.#waiting.find(({ id }) => id === this.#shownId);
    return {
      question: question === undefined ? undefined : await this.#show(question),
      behind: Math.max(0, this.#waiting.length - (question === undefined ? 0 : 1)),
      deniedUnasked: this.#deniedUnasked,
    };
  }

  /** Digest of the question as it stands now; undefined when it is not there, or not the one that is shown. */
  async subject(tag: string): Promise<string | undefined> {
    const question = await this.#find(tag);
    return question === undefined ? undefined : (await this.#show(question)).subject;
  }

  /** Says exactly this, if the question is still what was shown; any question may be denied unseen. */
  async answer(tag: string, decision: Decision, subject: string | undefined): Promise<AnswerTrouble | undefined> {
    const connection = this.#connection;
    if (connection === undefined) return "not_watching";
    const question = await this.#find(tag);
    if (question === undefined) return "not_there";
    if (decision !== "deny") {
      if (question.id !== this.#shownId) return "changed";
      if (subject === undefined || (await this.#show(question)).subject !== subject) return "changed";
    }
    if (!question.may.includes(decision)) return "not_offered";
    return this.#resolve(connection, question.id, decision);
  }

  async #find(tag: string): Promise<Question | undefined> {
    if (this.#connection !== undefined) await this.#look();
    return this.#waiting.find(({ id }) => this.#deps.tag(id) === tag);
  }

  async #show(question: Question): Promise<ShownQuestion> {
    return shown(question, this.#deps.tag(question.id), await this.#deps.footprint(question));
  }

  async #resolve(connection: GatewayConnection, id: string, decision: Decision): Promise<AnswerTrouble | undefined> {
    try {
      await connection.call("exec.approval.resolve", { id, decision });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#deps.log("question_not_answered", { code: error.code });
      // Somebody else may have been first; what the gateway holds decides, not what we wanted.
      return (await this.#recorded(connection, id)) === decision ? undefined : "other_answer";
    } finally {
      this.#lookSoon();
    }
    return undefined;
  }

  async #recorded(connection: GatewayConnection, id: string): Promise<unknown> {
    try {
      const kept = await connection.call("approval.get", { id });
      return field(kept, "decision") ?? field(field(kept, "approval"), "decision");
    } catch (error) {
      if (error instanceof GatewayError) return undefined;
      throw error;
    }
  }

  async #run(): Promise<void> {
    let pause = FIRST_PAUSE_MILLISECONDS;
    while (this.#mayRun()) {
      try {
        this.#connection = await this.#deps.open(() => this.#lookSoon());
        pause = FIRST_PAUSE_MILLISECONDS;
        this.#deps.log("questions_watching");
        await this.#serve(this.#connection);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        this.#deps.log("questions_lost", { code: error.code });
      } finally {
        this.#connection?.close();
        this.#connection = undefined;
        this.#take([]);
      }
      if (!this.#mayRun()) return;
      await this.#sleep(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MILLISECONDS);
    }
  }

  #mayRun(): boolean {
    return !this.#isStopped && this.isOn;
  }

  async #serve(connection: GatewayConnection): Promise<void> {
    let isOpen = true;
    void connection.ended.then(() => {
      isOpen = false;
      this.#wake?.();
    });
    while (isOpen && this.#mayRun()) {
      await this.#look();
      if (isOpen && this.#mayRun()) await this.#sleep(LOOK_MILLISECONDS);
    }
  }

  #lookSoon(): void {
    if (this.#connection === undefined) return;
    this.#look().catch((error: unknown) => {
      // The connection's own end is seen by whoever serves it.
      if (!(error instanceof GatewayError)) throw error;
    });
  }

  /** One look at a time; who comes meanwhile gets one that begins after they came. */
  async #look(): Promise<void> {
    while (this.#looking !== undefined) {
      this.#lookAgain = true;
      await this.#looking.catch(() => undefined); // its own caller hears of it
      if (!this.#lookAgain) return;
    }
    this.#lookAgain = false;
    this.#looking = this.#lookNow();
    try {
      await this.#looking;
    } finally {
      this.#looking = undefined;
    }
  }

  async #lookNow(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    const payload = await connection.call("exec.approval.list", {});
    const { questions, unreadable } = readQuestions(Array.isArray(payload) ? payload.slice(0, MAX_ROWS) : payload);
    // Nobody can decide over what nobody can be shown.
    for (const id of unreadable) await this.#denyUnasked(connection, id);
    const { kept, over } = this.#admit(questions);
    for (const { id } of over) await this.#denyUnasked(connection, id);
    this.#take(kept);
  }

  /** Which may wait for a person: those that were shown already, and new ones while the hour has room. */
  #admit(questions: readonly Question[]): { readonly kept: readonly Question[]; readonly over: readonly Question[] } {
    const now = this.#deps.elapsed();
    this.#shownAt = this.#shownAt.filter((at) => now - at < HOUR_MILLISECONDS);
    const kept: Question[] = [];
    const over: Question[] = [];
    for (const question of questions) {
      if (this.#seen.has(question.id)) kept.push(question);
      else if (this.#shownAt.length < MAX_EXEC_QUESTIONS_PER_HOUR) {
        this.#shownAt.push(now);
        this.#remember(question.id);
        kept.push(question);
      } else over.push(question);
    }
    return { kept, over };
  }

  #remember(id: string): void {
    const [oldest] = this.#seen;
    if (this.#seen.size >= MAX_REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
    this.#seen.add(id);
  }

  async #denyUnasked(connection: GatewayConnection, id: string): Promise<void> {
    // A gateway that leaves it in its list is told again, and it is no news.
    if (this.#denied.has(id)) return;
    if (this.#denied.size >= MAX_REMEMBERED) this.#denied.clear();
    this.#denied.add(id);
    this.#deniedUnasked += 1;
    this.#deps.log("question_denied_unasked");
    try {
      await connection.call("exec.approval.resolve", { id, decision: "deny" });
    } catch (error) {
      // Not answered, it runs out by itself, and what runs out does not run.
      if (!(error instanceof GatewayError)) throw error;
    }
    this.#deps.onChange();
  }

  #take(waiting: readonly Question[]): void {
    const before = JSON.stringify(this.#waiting.map(({ id }) => id));
    this.#waiting = waiting;
    if (!waiting.some(({ id }) => id === this.#shownId)) this.#shownId = waiting[0]?.id;
    if (JSON.stringify(waiting.map(({ id }) => id)) !== before) this.#deps.onChange();
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(() => this.#wake?.(), milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        done();
      };
    });
  }
}

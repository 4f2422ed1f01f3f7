/**
 * The other ends of the reader's sockets: the warden's questions, and the link's ear. Whatever comes back is held against a
 * closed schema and bounded in size, rate and time; a reader that lies or hangs costs an answer and nothing else.
 */
import { connect, type Socket } from "node:net";
import { fromBase64url, toBase64url, utf8, utf8Text } from "../../../protocol/bytes.ts";
import type { Sample } from "../../../protocol/history.ts";
import type { Telemetry } from "../../../protocol/telemetry.ts";
import type { GatewayReadings } from "../gateway/control-interface.ts";
import { ReadingError } from "../gateway/reading-error.ts";
import { Port } from "./port.ts";
import {
  answerCodec,
  answerLimits,
  askCodec,
  listenCodec,
  toldCodec,
  toldLimits,
  type Answer,
  type Ask,
  type Listen,
  type Told,
} from "./reader-messages.ts";

export interface ReaderClientDeps {
  readonly path: string;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

/** The reader itself gives up after fifteen seconds. */
const READING_MILLISECONDS = 17_000;
/** A dialog does not wait longer for a figure. */
const FIGURES_MILLISECONDS = 2_000;
/** Nothing was asked for so long: the reader may end. */
const IDLE_MILLISECONDS = 10_000;

type Question =
  | { readonly kind: "read"; readonly operation: string; readonly args: string }
  | { readonly kind: "figures" };

/** What the warden asks the reader. */
export class ReaderClient implements GatewayReadings {
  readonly #deps: ReaderClientDeps;
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>();
  #port: Promise<Port<Answer, Ask> | undefined> | undefined;
  #last = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(deps: ReaderClientDeps) {
    this.#deps = deps;
  }

  readonly read: GatewayReadings["read"] = async (operation, args) => {
    const text = toBase64url(utf8(JSON.stringify(args)));
    const answer = await this.#ask({ kind: "read", operation, args: text }, READING_MILLISECONDS);
    if (answer?.kind === "answer") return parsed(answer.content);
    throw new ReadingError(answer?.kind === "failed" ? answer.code : "gateway");
  };

  async activeSessions(): Promise<number | undefined> {
    const answer = await this.#ask({ kind: "figures" }, FIGURES_MILLISECONDS);
    return answer?.kind === "figures" ? answer.activeSessions : undefined;
  }

  stop(): void {
    clearTimeout(this.#idle);
    void this.#port?.then((port) => port?.end());
    this.#port = undefined;
  }

  async #ask(question: Question, milliseconds: number): Promise<Answer | undefined> {
    const port = await this.#connected();
    if (port === undefined) return undefined;
    const request = (this.#last += 1);
    const answered = new Promise<Answer | undefined>((resolve) => this.#waiting.set(request, resolve));
    port.send({ ...question, request });
    this.#restless();
    try {
      return await Promise.race([answered, this.#deps.wait(milliseconds).then(() => undefined)]);
    } finally {
      this.#waiting.delete(request);
    }
  }

  async #connected(): Promise<Port<Answer, Ask> | undefined> {
    const open = await this.#port;
    if (open?.isOpen === true) return open;
    this.#port = this.#dial();
    return this.#port;
  }

  async #dial(): Promise<Port<Answer, Ask> | undefined> {
    const socket = await dialled(this.#deps.path);
    if (socket === undefined) return undefined;
    return new Port({
      socket,
      inward: answerCodec,
      outward: askCodec,
      limits: answerLimits,
      elapsed: this.#deps.elapsed,
      onMessage: (answer) => this.#waiting.get(answer.request)?.(answer),
      onEnd: () => {
        for (const settle of this.#waiting.values()) settle(undefined);
      },
      onFault: this.#deps.onFault,
    });
  }

  #restless(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), IDLE_MILLISECONDS + READING_MILLISECONDS);
    this.#idle.unref();
  }
}

/** What the reader sent is JSON of a hostile gateway's making: whoever asked holds it against the reading's schema. */
function parsed(content: string): unknown {
  try {
    return JSON.parse(utf8Text(fromBase64url(content)));
  } catch {
    throw new ReadingError("gateway");
  }
}

export interface ReaderEarDeps extends ReaderClientDeps {
  readonly onTelemetry: () => void;
}

/** While nobody looks, the reader is asked this often, and ends in between. */
const LOOK_MILLISECONDS = 60_000;
/** What starts is soon something else. */
const SOON_MILLISECONDS = 10_000;
/** While somebody looks: how often it is asked whether they still do. */
const LISTEN_MILLISECONDS = 8_000;
/** For the samples to come, before the reader is let go. */
const PARTING_MILLISECONDS = 500;
/** So long without a word of the reader's its figures are not said any more. */
const STALE_MILLISECONDS = 300_000;
/** What comes before is half of what it sees: a reader that just started knows the gateway's name before its channels. */
const SETTLE_MILLISECONDS = 4_000;
const RETRY_MILLISECONDS = 5_000;
const MAX_KEPT_SAMPLES = 90;

/** What the link hears of the reader. */
export class ReaderEar {
  readonly #deps: ReaderEarDeps;
  #port: Port<Told, Listen> | undefined;
  #heard: Telemetry | undefined;
  /** Monotonic, milliseconds. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #latest: Telemetry | undefined;
  #isSettled = false;
  #samples: readonly Sample[] = [];
  #watchedUntil = Number.NEGATIVE_INFINITY;
  #isStopped = false;
  #wake: (() => void) | undefined;

  constructor(deps: ReaderEarDeps) {
    this.#deps = deps;
  }

  /** Undefined also when the reader has been silent for long: old figures would tell of a gateway that nobody sees. */
  latest(): Telemetry | undefined {
    return this.#deps.elapsed() - this.#heardAt < STALE_MILLISECONDS ? this.#latest : undefined;
  }

  samples(after: number): readonly Sample[] {
    return this.#samples.filter(({ at }) => at > after);
  }

  /** Somebody looks, for so long: the reader stays. */
  watched(seconds: number): void {
    this.#watchedUntil = this.#deps.elapsed() + seconds * 1_000;
    this.#wake?.();
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const isThere = await this.#listen();
      if (!this.#isStopped) await this.#sleep(isThere ? this.#pause() : RETRY_MILLISECONDS);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#port?.end();
    this.#wake?.();
  }

  #pause(): number {
    return this.#latest?.gateway.state === "starting" ? SOON_MILLISECONDS : LOOK_MILLISECONDS;
  }

  /** Until nobody looks any more. False when nobody was there, or nobody stayed. */
  async #listen(): Promise<boolean> {
    const { path, elapsed, onFault } = this.#deps;
    const socket = await dialled(path);
    if (socket === undefined || this.#isStopped) return false;
    const port: Port<Told, Listen> = new Port({
      socket,
      inward: toldCodec,
      outward: listenCodec,
      limits: toldLimits,
      elapsed,
      onMessage: (told) => this.#take(told),
      onEnd: () => this.#wake?.(),
      onFault,
    });
    this.#port = port;
    this.#isSettled = false;
    await this.#sleep(SETTLE_MILLISECONDS);
    this.#settled();
    for (;;) {
      const isWatched = elapsed() < this.#watchedUntil;
      port.send({ kind: "samples", after: this.#samples.at(-1)?.at ?? 0 });
      await this.#sleep(isWatched ? LISTEN_MILLISECONDS : PARTING_MILLISECONDS);
      if (!port.isOpen || this.#isStopped || elapsed() >= this.#watchedUntil) break;
    }
    // A reader that ended by itself has something new to begin with, such as its device.
    const stayed = port.isOpen;
    port.end();
    return stayed;
  }

  #settled(): void {
    this.#isSettled = true;
    if (this.#heard === undefined) return;
    this.#latest = this.#heard;
    this.#deps.onTelemetry();
  }

  #take(told: Told): void {
    if (told.kind === "telemetry") {
      this.#heard = told.telemetry;
      this.#heardAt = this.#deps.elapsed();
      return this.#isSettled ? this.#settled() : undefined;
    }
    const newest = this.#samples.at(-1)?.at ?? 0;
    const fresh = told.samples.filter(({ at }) => at > newest);
    this.#samples = [...this.#samples, ...fresh].slice(-MAX_KEPT_SAMPLES);
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Undefined when nobody listens there. */
function dialled(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

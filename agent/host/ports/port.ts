/**
 * One conversation over a unix socket between two of the agent's processes. Each message is its length (four bytes, big
 * endian) and canonical JSON of a closed schema. Whoever is at the other end may be hostile: sizes and rates are bounded by
 * kind, messages are taken one after the other and no faster than they are worked on, and whatever does not fit ends the
 * conversation. Knows no message.
 */
import type { Socket } from "node:net";
import { MalformedError } from "../../../protocol/canonical.ts";
import type { Codec } from "../../../protocol/fields.ts";
import { FrameMeter, type FrameLimit } from "../../../protocol/frame-limits.ts";

/** How a conversation ended: the other end went away, or did what it may not. */
export type PortEnding = "closed" | "malformed" | "too_large" | "flood" | "stalled" | "refused";

/** What the other end said fits its schema and not the moment; thrown by whoever takes messages. */
export class PortRefusal extends Error {
  override readonly name = "PortRefusal";
}

export interface PortLimits<I> {
  /** Largest message of all, in bytes: known before anything of it is kept. */
  readonly bytes: number;
  readonly kinds: Readonly<Record<string, FrameLimit>>;
  /** Under which name of `kinds` a message is counted. */
  readonly kindOf: (message: I) => string;
}

export interface PortOptions<I, O> {
  readonly socket: Socket;
  readonly inward: Codec<I>;
  readonly outward: Codec<O>;
  readonly limits: PortLimits<I>;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  /** The next message waits until this one is worked on. @throws {PortRefusal} to end the conversation */
  readonly onMessage: (message: I) => Promise<void> | void;
  readonly onEnd: (ending: PortEnding) => void;
  /** A mistake of ours. */
  readonly onFault: (error: unknown) => void;
}

const HEADER_BYTES = 4;
/** For what was said last to leave; the other end is a process of this machine. */
const LAST_WORD_MILLISECONDS = 1_000;
/** More than all that one side honestly says while the other is busy. */
const MAX_UNSENT_BYTES = 8_388_608;

export class Port<I, O> {
  readonly #options: PortOptions<I, O>;
  readonly #meter: FrameMeter<string>;
  #isOver = false;

  constructor(options: PortOptions<I, O>) {
    this.#options = options;
    this.#meter = new FrameMeter(options.limits.kinds);
    const { socket } = options;
    socket.on("error", () => this.end("closed")); // whoever was there is gone
    socket.on("close", () => this.end("closed"));
    this.#run().catch((error: unknown) => {
      this.end("closed");
      options.onFault(error);
    });
  }

  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** False when nobody is there any more. */
  send(message: O): boolean {
    if (this.#isOver) return false;
    const { socket, outward } = this.#options;
    const body = outward.encode(message);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(body.length);
    socket.cork();
    socket.write(header);
    socket.write(body);
    socket.uncork();
    if (socket.writableLength <= MAX_UNSENT_BYTES) return true;
    this.end("stalled");
    return false;
  }

  /** Ends the conversation; what was said before still leaves when it ends well. */
  end(ending: PortEnding = "closed"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { socket, onEnd } = this.#options;
    if (ending === "closed") {
      socket.end();
      setTimeout(() => socket.destroy(), LAST_WORD_MILLISECONDS).unref();
    } else socket.destroy();
    onEnd(ending);
  }

  async #run(): Promise<void> {
    const { socket } = this.#options;
    let rest: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of socket) {
        rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
        for (let next = this.#cut(rest); next !== undefined; next = this.#cut(rest)) {
          rest = rest.subarray(HEADER_BYTES + next.length);
          await this.#take(next);
          if (this.#isOver) return;
        }
        if (this.#isOver) return;
      }
    } catch (error) {
      if (!isOfSocket(error)) throw error;
    }
    this.end("closed");
  }

  /** The first whole message; undefined while it is not all there, or ends the conversation. */
  #cut(rest: Buffer): Buffer | undefined {
    if (this.#isOver || rest.length < HEADER_BYTES) return undefined;
    const length = rest.readUInt32BE();
    if (length > this.#options.limits.bytes) {
      this.end("too_large");
      return undefined;
    }
    return rest.length < HEADER_BYTES + length ? undefined : rest.subarray(HEADER_BYTES, HEADER_BYTES + length);
  }

  async #take(bytes: Buffer): Promise<void> {
    const { inward, limits, elapsed, onMessage } = this.#options;
    let message: I;
    try {
      message = inward.decode(bytes);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return this.end("malformed");
    }
    const kind = limits.kindOf(message);
    const limit = limits.kinds[kind];
    if (limit === undefined || bytes.length > limit.bytes) return this.end("too_large");
    if (!this.#meter.admits(kind, elapsed())) return this.end("flood");
    try {
      await onMessage(message);
    } catch (error) {
      if (!(error instanceof PortRefusal)) throw error;
      this.end("refused");
    }
  }
}

/** Node's own words for a connection that broke; anything else is a mistake of ours. */
function isOfSocket(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^(E[A-Z]+|ERR_STREAM_[A-Z_]+|ABORT_ERR)$/.test(code);
}

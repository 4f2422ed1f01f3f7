/**
 * The reader's end of its two sockets. It answers the warden's few questions, and tells the link what it sees as long as the
 * link listens. Holds no rule: what may be asked is a list.
 */
import { createServer, type Server, type Socket } from "node:net";
import { toBase64url, fromBase64url, utf8, utf8Text } from "../../../protocol/bytes.ts";
import type { Sample } from "../../../protocol/history.ts";
import { MAX_READING_PARTS, MAX_READS, READING_PART_BYTES } from "../../../protocol/limits.ts";
import { readRefusals, type ReadRefusal } from "../../../protocol/reading.ts";
import type { Telemetry } from "../../../protocol/telemetry.ts";
import type { GatewayReadings } from "../gateway/control-interface.ts";
import { isReaderRead } from "./reader-reads.ts";
import {
  answerCodec,
  askCodec,
  askLimits,
  listenCodec,
  listenLimits,
  toldCodec,
  type Answer,
  type Ask,
  type Listen,
  type Told,
} from "./reader-messages.ts";
import { Port, PortRefusal } from "./port.ts";

export interface ReaderPortDeps {
  /** Undefined while there is no gateway to ask. */
  readonly readings: () => GatewayReadings | undefined;
  readonly latest: () => Telemetry | undefined;
  readonly samples: (after: number) => readonly Sample[];
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  readonly onFault: (error: unknown) => void;
}

/** The link, the one before it that is about to end, and room for a mistake. */
const MAX_CONNECTIONS = 4;

export class ReaderPort {
  readonly #deps: ReaderPortDeps;
  readonly #listening = new Set<Port<Listen, Told>>();
  readonly #asking = new Set<Port<Ask, Answer>>();
  #servers: Server[] = [];

  constructor(deps: ReaderPortDeps) {
    this.#deps = deps;
  }

  /** Nobody is there. */
  get isAlone(): boolean {
    return this.#listening.size === 0 && this.#asking.size === 0;
  }

  /** `fds`: listening sockets. */
  async open(fds: { readonly readings: number; readonly telemetry: number }): Promise<void> {
    await this.#serve(fds.readings, (socket) => this.ask(socket));
    await this.#serve(fds.telemetry, (socket) => this.listen(socket));
  }

  async #serve(fd: number, accept: (socket: Socket) => void): Promise<void> {
    const server = createServer(accept);
    server.maxConnections = MAX_CONNECTIONS;
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ fd }, resolve);
    });
  }

  stop(): void {
    for (const server of this.#servers) server.close();
    this.#servers = [];
    for (const port of [...this.#asking, ...this.#listening]) port.end();
  }

  /** There is something newer. */
  changed(): void {
    const telemetry = this.#deps.latest();
    if (telemetry === undefined) return;
    for (const port of this.#listening) port.send({ kind: "telemetry", telemetry });
  }

  listen(socket: Socket): void {
    const { elapsed, onFault, latest } = this.#deps;
    const port: Port<Listen, Told> = new Port({
      socket,
      inward: listenCodec,
      outward: toldCodec,
      limits: listenLimits,
      elapsed,
      onMessage: ({ after }) => {
        const samples = [...this.#deps.samples(after)];
        if (samples.length > 0) port.send({ kind: "samples", samples });
      },
      onEnd: () => this.#listening.delete(port),
      onFault,
    });
    this.#listening.add(port);
    const telemetry = latest();
    if (telemetry !== undefined) port.send({ kind: "telemetry", telemetry });
  }

  ask(socket: Socket): void {
    const { elapsed, onFault } = this.#deps;
    let working = 0;
    const port: Port<Ask, Answer> = new Port({
      socket,
      inward: askCodec,
      outward: answerCodec,
      limits: askLimits,
      elapsed,
      // In the background: the gateway may take its time with one, and the others need not wait.
      onMessage: (ask) => {
        if (working >= MAX_READS * 2) throw new PortRefusal("more at once than the warden asks");
        working += 1;
        this.#answer(ask)
          .then((answer) => port.send(answer))
          .catch(onFault)
          .finally(() => {
            working -= 1;
          });
      },
      onEnd: () => this.#asking.delete(port),
      onFault,
    });
    this.#asking.add(port);
  }

  async #answer(ask: Ask): Promise<Answer> {
    const { request } = ask;
    if (ask.kind === "figures") {
      const active = this.#deps.latest()?.sessions?.active;
      return { kind: "figures", request, ...(active === undefined ? {} : { activeSessions: active }) };
    }
    const given = await this.#read(ask);
    return "code" in given ? { kind: "failed", request, code: given.code } : { kind: "answer", request, ...given };
  }

  async #read({
    operation,
    args,
  }: Extract<Ask, { kind: "read" }>): Promise<{ readonly content: string } | { readonly code: ReadRefusal }> {
    const readings = this.#deps.readings();
    if (readings === undefined || !isReaderRead(operation)) return { code: "unsupported" };
    try {
      const known: unknown = JSON.parse(utf8Text(fromBase64url(args)));
      if (typeof known !== "object" || known === null) return { code: "arguments" };
      const result = await readings.read(operation, { ...known });
      const content = utf8(JSON.stringify(result));
      const isTooLarge = content.length > MAX_READING_PARTS * READING_PART_BYTES;
      return isTooLarge ? { code: "too_large" } : { content: toBase64url(content) };
    } catch (error) {
      return { code: codeOf(error) };
    }
  }
}

function codeOf(error: unknown): ReadRefusal {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return readRefusals.find((known) => known === code) ?? "gateway";
}

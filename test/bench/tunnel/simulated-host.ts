/**
 * The far end of one tunnel as the edge sees it: TLS 1.3 with a certificate, the handshake with the host's own key,
 * signed words about the trust log, keep-alives. No warden behind it: nothing here is verified or carried out.
 */
import { WebSocket } from "ws";
import { BackOff } from "../../../agent/host/link/back-off.ts";
import { KEEP_ALIVE_SECONDS } from "../../../protocol/limits.ts";
import { sha256Of } from "../../../protocol/signing.ts";

import { toBase64url, utf8 } from "../../../protocol/bytes.ts";
import type { TrustHead } from "../../../protocol/fields.ts";
import {
  helloCodec,
  inwardFrames,
  outwardFrames,
  PING,
  PONG,
  trustAckCodec,
  type InwardFrame,
} from "../../../protocol/tunnel.ts";
import type { Member } from "./fleet.ts";

export interface Edge {
  /** wss://host:port */
  readonly endpoint: string;
  /** PEM. */
  readonly ca: string;
  readonly workspace: string;
}

/** `at-once`: no pause but what keeps this process from doing nothing else. */
export type Return = "at-once" | "back-off";
const AT_ONCE_MILLISECONDS = 100;

export class SimulatedHost {
  readonly member: Member;
  readonly #edge: Edge;
  readonly #backOff = new BackOff(Math.random);
  /** Undefined: it stays away once its tunnel has ended. */
  returns: Return | undefined;
  isWelcome = false;
  onWelcome: () => void = () => undefined;
  onFrame: (frame: InwardFrame) => void = () => undefined;
  onPong: () => void = () => undefined;
  #socket: WebSocket | undefined;
  #beat: NodeJS.Timeout | undefined;
  #head: TrustHead | undefined;
  #dialled = 0;

  constructor(member: Member, edge: Edge) {
    this.member = member;
    this.#edge = edge;
  }

  dial(): void {
    const { key, certificate } = this.member.tls;
    this.#dialled = performance.now();
    const socket = new WebSocket(`${this.#edge.endpoint}/tunnel`, {
      key,
      cert: certificate,
      ca: this.#edge.ca,
      minVersion: "TLSv1.3",
      perMessageDeflate: false,
      handshakeTimeout: 30_000,
    });
    this.#socket = socket;
    socket.on("message", (data) => this.#take((data as Buffer).toString("utf8")));
    socket.on("error", () => undefined); // its close says the rest
    socket.on("close", () => this.#ended());
  }

  leave(): void {
    this.returns = undefined;
    clearInterval(this.#beat);
    this.#socket?.terminate();
  }

  /** Answered by the object itself, with a look at the trust log. */
  want(): void {
    this.#say({ kind: "trust-want", ...(this.#head === undefined ? {} : { after: this.#head }) });
  }

  /** Answered by the runtime. */
  ping(): void {
    this.#socket?.send(PING);
  }

  /** As its page of the trust log says; nobody here checks it. */
  hold(head: TrustHead): void {
    this.#head = head;
  }

  #take(text: string): void {
    if (text === PONG) return this.onPong();
    const frame = inwardFrames.decode(text);
    this.onFrame(frame);
    if (frame.kind === "challenge") void this.#greet(frame);
    if (frame.kind === "trust" && frame.page.statements.length > 0) void this.#acknowledge();
    if (frame.kind !== "welcome") return;
    this.isWelcome = true;
    // Each at a moment of its own, as machines are.
    this.#beat = setTimeout(
      () => {
        this.#beat = setInterval(() => this.ping(), KEEP_ALIVE_SECONDS * 1_000);
      },
      Math.random() * KEEP_ALIVE_SECONDS * 1_000,
    );
    void this.#acknowledge();
    this.onWelcome();
  }

  async #greet({ edgeNonce, tunnel }: Extract<InwardFrame, { kind: "challenge" }>): Promise<void> {
    const { host, key } = this.member;
    const body = helloCodec.encode({
      v: 1,
      workspace: this.#edge.workspace,
      host,
      hostBoot: freshNonce(),
      ...(this.#head === undefined ? {} : { trustHead: this.#head }),
      lastReceipt: 0,
      lastAck: 0,
      nonce: freshNonce(),
      edgeNonce,
      tunnel,
    });
    this.#say({ kind: "hello", signed: { body: toBase64url(body), signature: await key.sign("hello", body) } });
  }

  async #acknowledge(): Promise<void> {
    if (!this.isWelcome || this.#head === undefined) return;
    const { host, key } = this.member;
    const body = trustAckCodec.encode({ v: 1, workspace: this.#edge.workspace, host, trustHead: this.#head });
    this.#say({ kind: "trust-ack", signed: { body: toBase64url(body), signature: await key.sign("trust-ack", body) } });
  }

  #say(frame: Parameters<typeof outwardFrames.encode>[0]): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(outwardFrames.encode(frame));
  }

  #ended(): void {
    const wasWelcome = this.isWelcome;
    this.isWelcome = false;
    clearInterval(this.#beat);
    if (this.returns === undefined) return;
    const openMilliseconds = wasWelcome ? performance.now() - this.#dialled : 0;
    const pause = this.returns === "at-once" ? AT_ONCE_MILLISECONDS : this.#backOff.after({ openMilliseconds });
    setTimeout(() => {
      if (this.returns !== undefined) this.dial();
    }, pause);
  }
}

let nonces = 0;
/** Differs each time; nobody here guards anything with it. */
function freshNonce(): string {
  nonces += 1;
  return toBase64url(sha256Of(utf8(`bench nonce ${String(nonces)}`)));
}

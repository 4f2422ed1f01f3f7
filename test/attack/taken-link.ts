/**
 * A link in other hands: it runs as the link's user, holds the link's socket to the warden, and says there whatever it likes.
 * For an attack it is what the malicious edge is, one step further in: no TLS is in the way, and it names the certificate, the
 * tunnel and the bytes itself.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { toLinkCodec, type ToLink } from "../../agent/host/ports/link-messages.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { InwardFrame } from "../../protocol/tunnel.ts";
import { nonceOf } from "../fixtures/keys.ts";
import type { Happenings } from "./happenings.ts";

const HEADER_BYTES = 4;
const RETRY_MILLISECONDS = 20;
const VIOLATED = 1008;

let tunnels = 0;

/** One tunnel that the taken link claims, in the shape of the malicious edge's. */
export class ClaimedTunnel {
  readonly edgeNonce: string;
  readonly tunnel: string;
  readonly certFingerprint: string;
  readonly closed: Promise<void>;
  readonly #number: number;
  readonly #socket: Socket;
  readonly #happenings: Happenings;
  #isOpen = true;
  #ended: () => void = () => undefined;

  constructor(socket: Socket, certFingerprint: string, happenings: Happenings) {
    tunnels += 1;
    this.#number = tunnels;
    this.#socket = socket;
    this.#happenings = happenings;
    this.edgeNonce = nonceOf(`taken edge nonce ${String(tunnels)}`);
    this.tunnel = nonceOf(`taken tunnel ${String(tunnels)}`);
    this.certFingerprint = certFingerprint;
    this.closed = new Promise((resolve) => {
      this.#ended = resolve;
    });
    this.#listen();
    this.say({ kind: "open", tunnel: this.#number, fingerprint: certFingerprint, resumes: false });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(frame: InwardFrame | Readonly<Record<string, unknown>>): void {
    this.say({ kind: "frame", tunnel: this.#number, frame });
  }

  /** Of an edge: the text of a frame. What is no text of a frame goes to the warden as it is. */
  sendRaw(data: string | Uint8Array): void {
    const text = typeof data === "string" ? data : undefined;
    this.write(
      text === undefined
        ? (data as Uint8Array)
        : utf8(`{"frame":${text},"kind":"frame","tunnel":${String(this.#number)}}`),
    );
  }

  /** Any message at all. */
  say(message: Readonly<Record<string, unknown>>): void {
    this.write(encodeCanonical(message));
  }

  write(body: Uint8Array): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(body.length);
    this.#socket.write(Buffer.concat([header, body]));
  }

  ping(): void {
    // There is nothing of the kind here.
  }

  cut(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    let rest: Buffer = Buffer.alloc(0);
    this.#socket.on("error", () => undefined); // the close that follows says it
    this.#socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUInt32BE()) {
        const end = HEADER_BYTES + rest.readUInt32BE();
        this.#hear(decoded(rest.subarray(HEADER_BYTES, end)));
        rest = rest.subarray(end);
      }
    });
    this.#socket.on("close", () => this.#close(""));
  }

  #hear(message: ToLink): void {
    if (message.kind === "frame") this.#happenings.push({ kind: "frame", frame: message.frame });
    if (message.kind !== "violation") return;
    this.#happenings.push({ kind: "log", line: { event: "tunnel_violation", code: message.code } });
    this.#close(message.code);
    this.#socket.destroy();
  }

  #close(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#happenings.push({ kind: "closed", code: VIOLATED, reason });
    this.#happenings.push({ kind: "log", line: { event: "tunnel_closed", code: reason } });
    this.#ended();
  }
}

function decoded(bytes: Uint8Array): ToLink {
  try {
    return toLinkCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) throw new TypeError(`the warden said: ${utf8Text(bytes).slice(0, 200)}`);
    throw error;
  }
}

/** In the place of the malicious edge: each connection to the warden's socket is a tunnel. */
export class TakenLink {
  readonly port = 1;
  readonly #path: string;
  readonly #fingerprint: string;
  readonly #happenings: Happenings;
  readonly #tunnels: ClaimedTunnel[] = [];

  constructor(path: string, fingerprint: string, happenings: Happenings) {
    this.#path = path;
    this.#fingerprint = fingerprint;
    this.#happenings = happenings;
  }

  async next(): Promise<ClaimedTunnel> {
    for (;;) {
      const socket = await dialled(this.#path);
      if (socket === undefined) {
        await wait(RETRY_MILLISECONDS);
        continue;
      }
      const tunnel = new ClaimedTunnel(socket, this.#fingerprint, this.#happenings);
      this.#tunnels.push(tunnel);
      return tunnel;
    }
  }

  forget(): void {
    for (const tunnel of this.#tunnels.splice(0)) tunnel.cut();
  }

  close(): Promise<void> {
    this.forget();
    return Promise.resolve();
  }
}

function dialled(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

/**
 * The warden's end of the socket to the link. It believes nothing that comes in: a frame is judged as if an edge had sent
 * it, and whatever else a link in other hands says ends the conversation at worst. One link at a time, and the newest
 * counts: the system lets nobody but the link's user in, and a link that was killed must not keep its successor out.
 */
import type { Socket } from "node:net";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { X509Certificate } from "node:crypto";
import { TunnelViolation } from "../warden/connection.ts";
import type { CertificateKeeper, KeyRequest } from "../warden/renewal.ts";
import type { LeftTunnel, Warden, WardenTunnel } from "../warden/warden.ts";
import {
  toLinkCodec,
  toWardenCodec,
  toWardenLimits,
  type Standing,
  type ToLink,
  type ToWarden,
} from "./link-messages.ts";
import { Port, PortRefusal } from "./port.ts";

export interface WardenPortDeps {
  readonly warden: Warden;
  readonly keeper: RemoteKeeper;
  /** What an earlier process left; handed out once. */
  readonly takeLeft: () => LeftTunnel | undefined;
  readonly standing: () => Standing;
  /** The gateway turns the reader away: its device needs a new token. */
  readonly onReaderRefused: () => void;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  readonly log: (line: Readonly<Record<string, string>>) => void;
  readonly onFault: (error: unknown) => void;
}

interface Current {
  readonly number: number;
  readonly tunnel: WardenTunnel;
}

export class WardenPort {
  readonly #deps: WardenPortDeps;
  #talk: Talk | undefined;
  /** Monotonic, milliseconds: when the link last said anything. */
  #heardAt: number;

  constructor(deps: WardenPortDeps) {
    this.#deps = deps;
    this.#heardAt = deps.elapsed();
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  /** A frame is being judged. */
  get isBusy(): boolean {
    return this.#talk?.isBusy === true;
  }

  accept(socket: Socket): void {
    this.#talk?.end();
    this.#heardAt = this.#deps.elapsed();
    const talk = new Talk(socket, {
      ...this.#deps,
      onHeard: () => {
        this.#heardAt = this.#deps.elapsed();
      },
      onEnd: () => {
        if (this.#talk === talk) this.#talk = undefined;
      },
    });
    this.#talk = talk;
  }

  /** The standing may have changed. */
  tell(): void {
    this.#talk?.tell();
  }

  /** The last word of this process: the link starts another one when there is something to do. */
  sleep(): void {
    this.#talk?.sleep();
    this.#talk = undefined;
  }

  end(): void {
    this.#talk?.end();
    this.#talk = undefined;
  }
}

interface TalkDeps extends WardenPortDeps {
  readonly onHeard: () => void;
  readonly onEnd: () => void;
}

/** One link, from its connection to its end. */
class Talk {
  readonly #deps: TalkDeps;
  readonly #port: Port<ToWarden, ToLink>;
  #current: Current | undefined;
  isBusy = false;

  constructor(socket: Socket, deps: TalkDeps) {
    this.#deps = deps;
    this.#port = new Port({
      socket,
      inward: toWardenCodec,
      outward: toLinkCodec,
      limits: toWardenLimits,
      elapsed: deps.elapsed,
      onMessage: (message) => this.#take(message),
      onEnd: (ending) => {
        if (ending !== "closed") deps.log({ event: "link_refused", code: ending });
        this.#current?.tunnel.close();
        this.#current = undefined;
        deps.keeper.disconnected(this.#say);
        deps.onEnd();
      },
      onFault: deps.onFault,
    });
    deps.keeper.connected(this.#say);
  }

  tell(): void {
    this.#say({ kind: "standing", standing: this.#deps.standing() });
  }

  sleep(): void {
    this.#say({ kind: "sleep" });
    this.end();
  }

  end(): void {
    this.#port.end();
  }

  readonly #say = (message: ToLink): void => {
    this.#port.send(message);
  };

  #take(message: ToWarden): Promise<void> | void {
    this.#deps.onHeard();
    switch (message.kind) {
      case "open":
        return this.#open(message);
      case "frame":
        return this.#frame(message);
      case "close":
        if (message.tunnel === this.#current?.number) this.#close();
        return;
      case "tick":
        this.#deps.keeper.update(message);
        if (message.isReaderRefused) this.#deps.onReaderRefused();
        this.#deps.warden.tick();
        return this.tell();
      case "requested":
        return this.#deps.keeper.requested(message);
    }
  }

  #open({ tunnel: number, fingerprint, resumes }: Extract<ToWarden, { kind: "open" }>): void {
    this.#close();
    const send: Parameters<Warden["connect"]>[0] = (frame) => this.#say({ kind: "frame", tunnel: number, frame });
    const left = resumes ? this.#deps.takeLeft() : undefined;
    // Word of another tunnel is word of none: the link dials again, and the edge proves itself again.
    const tunnel =
      left?.certFingerprint === fingerprint
        ? this.#deps.warden.resume(send, left)
        : this.#deps.warden.connect(send, fingerprint);
    this.#current = { number, tunnel };
    this.#say({ kind: "opened", tunnel: number, isWelcomed: tunnel.isWelcomed() });
    this.tell();
  }

  async #frame({ tunnel: number, frame }: Extract<ToWarden, { kind: "frame" }>): Promise<void> {
    const current = this.#current;
    if (current?.number !== number) throw new PortRefusal("a frame of no tunnel");
    this.isBusy = true;
    try {
      await current.tunnel.receive(frame);
      this.#say({ kind: "taken", tunnel: number, isWelcomed: current.tunnel.isWelcomed() });
    } catch (error) {
      if (!(error instanceof TunnelViolation)) return this.#deps.onFault(error);
      this.#close();
      this.#say({ kind: "violation", tunnel: number, code: error.code });
    } finally {
      this.isBusy = false;
    }
  }

  #close(): void {
    this.#current?.tunnel.close();
    this.#current = undefined;
  }
}

type Say = (message: ToLink) => void;

/** A link that does not answer has no certificate to lose but its own. */
const REQUEST_MILLISECONDS = 30_000;

/** The link's certificates, asked about over the socket. What the link says of them concerns nobody but the link. */
export class RemoteKeeper implements CertificateKeeper {
  readonly #wait: (milliseconds: number) => Promise<void>;
  #say: Say | undefined;
  #told: Extract<ToWarden, { kind: "tick" }> | undefined;
  #answer: ((request: KeyRequest) => void) | undefined;

  constructor(wait: (milliseconds: number) => Promise<void>) {
    this.#wait = wait;
  }

  connected(say: Say): void {
    this.#say = say;
  }

  disconnected(say: Say): void {
    if (this.#say === say) this.#say = undefined;
  }

  update(told: Extract<ToWarden, { kind: "tick" }>): void {
    this.#told = told;
  }

  /** Until the link has said it: one that is not due. */
  inUse(): ReturnType<CertificateKeeper["inUse"]> {
    return this.#told?.certificate ?? { fingerprint: "", from: 0, until: Number.MAX_SAFE_INTEGER };
  }

  async makeRequest(host: string): Promise<KeyRequest> {
    const answered = new Promise<KeyRequest>((resolve) => {
      this.#answer = resolve;
    });
    this.#say?.({ kind: "request", host });
    const late = this.#wait(REQUEST_MILLISECONDS).then(() => undefined);
    const request = await Promise.race([answered, late]);
    this.#answer = undefined;
    // Not signed for and never sent: a request of nothing is refused by every edge.
    return request ?? { publicKey: new Uint8Array(), csr: new Uint8Array([0]) };
  }

  requested({ publicKey, csr }: Extract<ToWarden, { kind: "requested" }>): void {
    if (this.#answer === undefined) throw new PortRefusal("a request that nobody asked for");
    this.#answer({ publicKey: fromBase64url(publicKey), csr: fromBase64url(csr) });
    this.#answer = undefined;
  }

  keep({ publicKey, certificate }: Parameters<CertificateKeeper["keep"]>[0]): void {
    const der = new X509Certificate(certificate).raw;
    this.#say?.({ kind: "keep", publicKey: toBase64url(publicKey), certificate: toBase64url(der) });
  }

  retry(): boolean {
    if (this.#told?.hasNewer !== true) return false;
    this.#say?.({ kind: "retry" });
    return true;
  }
}

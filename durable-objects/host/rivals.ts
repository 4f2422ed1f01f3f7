/**
 * Two connections with one host key: a copied machine, or one that lost its network and came back. The first is asked
 * for any frame; life closes the newcomer, silence the first.
 */
import { inwardFrames } from "../../protocol/tunnel.ts";
import type { OpenTunnel } from "./delivery.ts";
import { logStep } from "../log.ts";
import { CLOSE, tryClose, trySend } from "./sockets.ts";

/** How long a first connection has to show life. */
export const RIVAL_SECONDS = 5;

export interface RivalsDeps {
  /** The tunnel that is welcomed now. */
  readonly first: () => OpenTunnel | undefined;
  /** Its socket is over, as if it had closed by itself. */
  readonly ended: (first: OpenTunnel) => Promise<void>;
  readonly cloneSuspected: (host: string) => void;
}

export class Rivals {
  readonly #deps: RivalsDeps;
  /** In memory only, by tunnel: the newcomer's handshake waits here and dies with this object. */
  readonly #questions = new Map<string, (alive: boolean) => void>();

  constructor(deps: RivalsDeps) {
    this.#deps = deps;
  }

  /** True when nobody else holds a tunnel with the key that the newcomer has just proven. */
  async yieldTo(newcomer: OpenTunnel): Promise<boolean> {
    const first = this.#deps.first();
    if (first === undefined) return true;
    if (await this.#answers(first)) {
      this.refuse(newcomer);
      return false;
    }
    const { host, tunnel } = newcomer.attachment;
    logStep("tunnel-replaced", { host, first: first.attachment.tunnel, newcomer: tunnel });
    tryClose(first.socket, CLOSE.replaced, "no answer");
    await this.#deps.ended(first);
    return true;
  }

  refuse({ socket, attachment: { host, tunnel } }: OpenTunnel): void {
    logStep("clone-suspected", { host, newcomer: tunnel });
    this.#deps.cloneSuspected(host);
    tryClose(socket, CLOSE.duplicate, "another connection with this host key is open");
  }

  /** Asks with an empty trust page, which changes nothing and which a host acknowledges. */
  #answers({ socket, attachment }: OpenTunnel): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (alive: boolean): void => {
        clearTimeout(timer);
        this.#questions.delete(attachment.tunnel);
        resolve(alive);
      };
      const timer = setTimeout(() => settle(false), RIVAL_SECONDS * 1_000);
      this.#questions.set(attachment.tunnel, settle);
      if (!trySend(socket, inwardFrames.encode({ kind: "trust", page: { statements: [] } }))) settle(false);
    });
  }

  /** A frame came from this tunnel. */
  heard(tunnel: string): void {
    this.#questions.get(tunnel)?.(true);
  }

  gone(tunnel: string): void {
    this.#questions.get(tunnel)?.(false);
  }
}

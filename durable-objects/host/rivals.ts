/**
 * Two connections with one host key: a copied machine, or one that lost its network and came back. The first is asked
 * for any frame; life closes the newcomer, silence the first.
 */
import { inwardFrames } from "../../protocol/tunnel.ts";
import type { OpenTunnel } from "./delivery.ts";
import { trySend } from "./sockets.ts";

/** How long a first connection has to show life. */
export const RIVAL_SECONDS = 5;

export class Rivals {
  /** In memory only, by tunnel: the newcomer's handshake waits here and dies with this object. */
  readonly #questions = new Map<string, (alive: boolean) => void>();

  /** Asks with an empty trust page, which changes nothing and which a host acknowledges. */
  answers({ socket, attachment }: OpenTunnel): Promise<boolean> {
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

/**
 * Tells a host that somebody looks at its figures. For a while, because that somebody leaves without a word: whoever still
 * looks asks again, and a host that nobody asks falls silent by itself, so that its object can sleep.
 */
import { WATCH_SECONDS } from "../../protocol/limits.ts";
import { inwardFrames } from "../../protocol/tunnel.ts";
import { edgeSeconds } from "../clock.ts";
import type { OpenTunnel } from "./delivery.ts";
import { trySend } from "./sockets.ts";

export class Watching {
  /** In memory only: after an eviction the host is told once more, which changes nothing there. */
  #told: { readonly tunnel: string; readonly at: number } | undefined;

  /** Call whenever somebody looks: a host hears of it twice in the time for which it counts. */
  look(open: OpenTunnel | undefined): void {
    if (open === undefined) return;
    const { tunnel } = open.attachment;
    const now = edgeSeconds();
    if (this.#told?.tunnel === tunnel && now - this.#told.at < WATCH_SECONDS / 2) return;
    if (trySend(open.socket, inwardFrames.encode({ kind: "watch", seconds: WATCH_SECONDS })))
      this.#told = { tunnel, at: now };
  }
}

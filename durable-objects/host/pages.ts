/** The pages that watch a host: pushes live events to those who may still look. Pages only listen. */
import * as v from "valibot";
import { liveEventSchema, type LiveEvent } from "../../protocol/contracts.ts";
import { hasPermission, type TrustState } from "../../protocol/trust/state.ts";
import { CLOSE, pageTag, readAttachment, tryClose, trySend } from "./sockets.ts";

export class Pages {
  readonly #state: DurableObjectState;

  constructor(state: DurableObjectState) {
    this.#state = state;
  }

  get isEmpty(): boolean {
    return !this.#state.getWebSockets().some(isPage);
  }

  push(event: LiveEvent, now: number): void {
    const open = this.#sockets();
    if (open.length === 0) return;
    if (!v.is(liveEventSchema, event)) throw new TypeError("live event does not fit its schema");
    const text = JSON.stringify(event);
    for (const socket of open) {
      const attachment = readAttachment(socket);
      if (attachment?.kind === "page" && attachment.expires > now) trySend(socket, text);
      else tryClose(socket, CLOSE.ended, "the session has ended");
    }
  }

  endSession(session: string): void {
    for (const socket of this.#state.getWebSockets(pageTag(session)))
      tryClose(socket, CLOSE.ended, "the session has ended");
  }

  /** The trust log changed: whoever may not look any more sees nothing more. */
  review(trust: TrustState, now: number): void {
    for (const socket of this.#sockets()) {
      const page = readAttachment(socket);
      if (page?.kind !== "page") continue;
      const wanted = { permission: "metadata.read", host: page.host, now } as const;
      if (!hasPermission(trust, page.person, wanted)) tryClose(socket, CLOSE.ended, "the right to look has ended");
    }
  }

  #sockets(): readonly WebSocket[] {
    return this.#state.getWebSockets().filter(isPage);
  }
}

function isPage(socket: WebSocket): boolean {
  return readAttachment(socket)?.kind === "page";
}

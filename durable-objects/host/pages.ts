/** The pages that watch a host: pushes live events to those whose session still lasts. Pages only listen. */
import * as v from "valibot";
import { liveEventSchema, type LiveEvent } from "../../protocol/contracts.ts";
import { CLOSE, pageTag, readAttachment, tryClose, trySend } from "./sockets.ts";

export class Pages {
  readonly #state: DurableObjectState;

  constructor(state: DurableObjectState) {
    this.#state = state;
  }

  get isEmpty(): boolean {
    return this.#sockets().length === 0;
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

  #sockets(): readonly WebSocket[] {
    return this.#state.getWebSockets().filter((socket) => readAttachment(socket)?.kind === "page");
  }
}

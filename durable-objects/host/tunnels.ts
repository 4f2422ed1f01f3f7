/** The agent's sockets of one host: at most one is welcomed at a time; the others are being judged or are leaving. */
import { inwardFrames } from "../../protocol/tunnel.ts";
import { randomNonce } from "../clock.ts";
import type { OpenTunnel } from "./delivery.ts";
import {
  AGENT_TAG,
  CLOSE,
  keepAttachment,
  readAgent,
  tryClose,
  trySend,
  type AgentAttachment,
  type AgentOpening,
} from "./sockets.ts";

/** A socket that has not answered its challenge by then is not a host of ours. */
const HELLO_SECONDS = 30;
/** An honest host opens one at a time; a copied one beside it another. More that say nothing are somebody's flood. */
export const MAX_UNWELCOMED = 8;

export class Tunnels {
  /** Sockets and attachments are durable through hibernation. */
  readonly #state: DurableObjectState;

  constructor(state: DurableObjectState) {
    this.#state = state;
  }

  /** Takes a socket and asks who is there. */
  accept(socket: WebSocket, opening: AgentOpening): void {
    this.#closeSpeechless();
    const attachment: AgentAttachment = {
      ...opening,
      phase: "challenged",
      tunnel: randomNonce(),
      edgeNonce: randomNonce(),
      trustSent: -1,
      openedAt: Date.now(),
    };
    this.#state.acceptWebSocket(socket, [AGENT_TAG]);
    keepAttachment(socket, attachment);
    const { edgeNonce, tunnel } = attachment;
    trySend(socket, inwardFrames.encode({ kind: "challenge", edgeNonce, tunnel }));
  }

  get open(): OpenTunnel | undefined {
    for (const socket of this.#state.getWebSockets(AGENT_TAG)) {
      const attachment = readAgent(socket);
      if (attachment?.phase === "welcomed" && socket.readyState === WebSocket.OPEN) return { socket, attachment };
    }
    return undefined;
  }

  /** Edge clock, seconds: when the runtime last answered a keep-alive for us. */
  get lastPing(): number | undefined {
    const { open } = this;
    return open === undefined ? undefined : this.lastPingOf(open.socket);
  }

  lastPingOf(socket: WebSocket): number | undefined {
    const at = this.#state.getWebSocketAutoResponseTimestamp(socket);
    return at === null ? undefined : Math.floor(at.getTime() / 1_000);
  }

  closeAll(code: number, reason: string): void {
    for (const socket of this.#state.getWebSockets(AGENT_TAG)) tryClose(socket, code, reason);
  }

  #closeSpeechless(): void {
    const waiting = this.#state.getWebSockets(AGENT_TAG).flatMap((socket) => {
      const attachment = readAgent(socket);
      if (socket.readyState !== WebSocket.OPEN || attachment?.phase !== "challenged") return [];
      return [{ socket, openedAt: attachment.openedAt }];
    });
    waiting.sort((one, two) => two.openedAt - one.openedAt);
    for (const [i, { socket, openedAt }] of waiting.entries())
      if (i >= MAX_UNWELCOMED - 1 || Date.now() - openedAt > HELLO_SECONDS * 1_000)
        tryClose(socket, CLOSE.violation, "no hello");
  }
}

/**
 * The live socket of one host: opened with a one-time ticket, reopened with jittered back-off, parsed by the contract.
 * Metadata only; a lost socket makes figures old, never wrong.
 */
import * as v from "valibot";
import {
  LIVE_SUBPROTOCOL,
  liveEventSchema,
  TICKET_SUBPROTOCOL_PREFIX,
  type LiveEvent,
} from "../../protocol/contracts.ts";
import type { EdgeClient } from "./http.ts";
import { troubleOf } from "./trouble.ts";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

export interface LiveSocket {
  close(): void;
}

export interface LiveDeps {
  readonly client: EdgeClient;
  readonly host: string;
  readonly onEvent: (event: LiveEvent) => void;
}

export function openLive({ client, host, onEvent }: LiveDeps): LiveSocket {
  let closed = false;
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let retryMs = FIRST_RETRY_MS;

  async function open(): Promise<void> {
    const { ticket } = await client.call("ticket", { body: { host } });
    if (closed) return;
    const url = `${location.origin.replace(/^http/, "ws")}/api/hosts/${host}/live`;
    socket = new WebSocket(url, [LIVE_SUBPROTOCOL, `${TICKET_SUBPROTOCOL_PREFIX}${ticket}`]);
    socket.addEventListener("open", () => {
      retryMs = FIRST_RETRY_MS;
    });
    socket.addEventListener("message", (message) => receive(message.data));
    socket.addEventListener("close", again);
  }

  function receive(data: unknown): void {
    if (typeof data !== "string") return;
    const event = v.safeParse(liveEventSchema, JSON.parse(data));
    if (event.success) onEvent(event.output);
    else socket?.close(4000, "foreign event");
  }

  function again(): void {
    if (closed) return;
    timer = setTimeout(start, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }

  function start(): void {
    open().catch((error: unknown) => {
      if (troubleOf(error).code !== "signed_out") again();
    });
  }

  start();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      socket?.close(1000);
    },
  };
}

/** A page that watches a host, and when the edge closes what it watches. */
import { LIVE_SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX } from "../../protocol/contracts.ts";
import type { EdgePage } from "../fixtures/edge/page.ts";
import { send } from "./client.ts";

export const ORIGIN = "http://clawhold.localhost:8443";

export interface Watched {
  /** The code with which it was closed. */
  readonly closed: Promise<number>;
}

export async function watch(page: EdgePage, host: string): Promise<Watched> {
  const ticket = String((await page.must("ticket", { body: { host } }))["ticket"]);
  const protocols = `${LIVE_SUBPROTOCOL}, ${TICKET_SUBPROTOCOL_PREFIX}${ticket}`;
  const headers = { upgrade: "websocket", origin: ORIGIN, "sec-websocket-protocol": protocols };
  return watchedBy(await send("web", new Request(`${ORIGIN}/api/hosts/${host}/live`, { headers })));
}

export function watchedBy({ webSocket }: Response): Watched {
  const closed = new Promise<number>((resolve) => {
    webSocket?.addEventListener("close", ({ code }) => resolve(code));
  });
  webSocket?.accept();
  return { closed };
}

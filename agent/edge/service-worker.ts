/**
 * Ends service workers of the dashboard's origin. We have none. While we are stopped, another user's program can take
 * our port, and a worker that its page leaves in a browser would answer in our name ever after, whoever holds the port.
 * Browsers fetch a worker's script again past the worker itself; whatever its address, they get one that removes it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { PRIVATE_HEADERS } from "./headers.ts";

const SCRIPT = `self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(end()));
async function end() {
  await self.registration.unregister();
  const pages = await self.clients.matchAll({ type: "window" });
  await Promise.all(pages.map((page) => page.navigate(page.url)));
}
`;

/** Browsers, and nobody else in a browser, set this header (Service Workers, "Service-Worker"). */
export function isServiceWorker(request: IncomingMessage): boolean {
  return request.headers["service-worker"] !== undefined;
}

export function endServiceWorker(response: ServerResponse): void {
  response.writeHead(200, {
    ...PRIVATE_HEADERS,
    "content-type": "text/javascript; charset=utf-8",
    "content-length": String(Buffer.byteLength(SCRIPT)),
  });
  response.end(SCRIPT);
}

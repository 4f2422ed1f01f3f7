/** Refuses requests that a browser says come from elsewhere. Absent headers are left to the request's signature. */
import type { Arrival } from "../http/arrival.ts";
import { problem } from "../http/problems.ts";

/** Browsers send Origin with every POST, so a POST without one is refused too. @throws {ProblemError} `origin` */
export function requireSameOrigin(arrival: Arrival, expected: readonly string[]): void {
  if (arrival.fetchSite !== undefined && arrival.fetchSite !== "same-origin") throw problem("origin", "sec-fetch-site");
  if (arrival.origin === undefined && arrival.method === "GET") return;
  if (arrival.origin === undefined || !expected.includes(arrival.origin)) throw problem("origin", "origin");
}

/**
 * The files of a release, at the agents' name, for machines that have no certificate yet. They are no secret, and nobody believes
 * them because they come from here: a pasted command names their SHA-256, an update its signature.
 */
import { isReleasePath } from "../protocol/release.ts";
import { rateLimitFields } from "../protocol/rates.ts";
import type { Deps } from "./deps.ts";
import { sourceAddress } from "./http/arrival.ts";
import { withSecurityHeaders } from "./http/headers.ts";
import { problem } from "./http/problems.ts";
import { answerProblem } from "./mount.ts";

export function isForRelease({ method, url }: Request): boolean {
  return method === "GET" && isReleasePath(new URL(url).pathname);
}

export async function serveRelease(request: Request, assets: Fetcher, deps: Deps): Promise<Response> {
  try {
    const standings = await deps.rates.count("install", { sourceIp: sourceAddress(request) });
    const file = await assets.fetch(new Request(new URL(new URL(request.url).pathname, request.url)));
    if (file.status !== 200) throw problem("not_found");
    const headers = { ...rateLimitFields(standings), "content-type": "application/octet-stream" };
    return withSecurityHeaders(new Response(file.body, { headers }));
  } catch (error) {
    return answerProblem(error);
  }
}

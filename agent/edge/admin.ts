/**
 * The supervising process's own door to the Worker (setup key, join tokens): a unix socket in a 0700 directory whose
 * requests the Worker sees marked `via: admin`. Never to be reachable from a listener.
 */

import { EdgeError } from "./edge-error.ts";
import { unixRequest } from "./unix-http.ts";

/** Sends `body` as JSON to `path` (a GET without it) and returns the parsed answer. */
export type AdminRequest = (path: string, body?: unknown) => Promise<unknown>;

/** Nothing behind this door waits for a host or a person. */
const ADMIN_TIMEOUT_SECONDS = 15;

export function openAdmin(socketPath: string): AdminRequest {
  return async (path, body) => {
    let response;
    try {
      response = await unixRequest({ socketPath, path, body, timeoutSeconds: ADMIN_TIMEOUT_SECONDS });
    } catch (error) {
      throw new EdgeError("admin_failed", `The local edge did not answer ${path}. Its log says why.`, { cause: error });
    }
    if (response.status < 200 || response.status > 299) {
      throw new EdgeError(
        "admin_failed",
        `The local edge answered ${path} with ${response.status}${problemCode(response.text)}.`,
      );
    }
    return response.text === "" ? undefined : JSON.parse(response.text);
  };
}

/** Problem details carry a code; their prose and whatever else came stays out of messages. */
function problemCode(text: string): string {
  const match = /"code":"([a-z][a-z0-9_.-]{0,63})"/.exec(text);
  return match?.[1] === undefined ? "" : ` (${match[1]})`;
}

/**
 * The supervising process's own door to the Worker (setup key, join tokens): a unix socket in a 0700 directory whose
 * requests the Worker sees marked `via: admin`. Never to be reachable from a listener.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { optional, parse, strictObject } from "valibot";
import { publicKey } from "../../protocol/fields.ts";
import { EdgeError, systemCode } from "../shared/edge-error.ts";
import type { NamedKeys } from "./key-change.ts";
import { unixRequest } from "./unix-http.ts";

/** Sends `body` as JSON to `path` (a GET without it) and returns the parsed answer. */
export type AdminRequest = (path: string, body?: unknown) => Promise<unknown>;

/** Nothing behind this door waits for a host or a person. */
const ADMIN_TIMEOUT_SECONDS = 15;

/** A runtime that died is started again within seconds; a request here may be repeated without harm. */
const RESTART_MILLISECONDS = 30_000;
const LOOK_AGAIN_MILLISECONDS = 200;

export function openAdmin(socketPath: string): AdminRequest {
  return async (path, body) => {
    const response = await ask({ socketPath, path, body, timeoutSeconds: ADMIN_TIMEOUT_SECONDS });
    if (response.status < 200 || response.status > 299) {
      throw new EdgeError(
        "admin_failed",
        `The local edge answered ${path} with ${response.status}${problemCode(response.text)}.`,
      );
    }
    return response.text === "" ? undefined : JSON.parse(response.text);
  };
}

const namedSchema = strictObject({
  named: optional(strictObject({ dispatch: publicKey, ledger: publicKey })),
});

/** The keys that the trust log names now; undefined before there is one. */
export async function namedKeys(admin: AdminRequest): Promise<NamedKeys | undefined> {
  return parse(namedSchema, await admin("/admin/named-keys")).named;
}

async function ask(request: Parameters<typeof unixRequest>[0]): Promise<Awaited<ReturnType<typeof unixRequest>>> {
  const until = performance.now() + RESTART_MILLISECONDS;
  for (;;) {
    try {
      return await unixRequest(request);
    } catch (error) {
      if (!isAbsence(error) || performance.now() > until) {
        throw new EdgeError("admin_failed", `The local edge did not answer ${request.path}. Its log says why.`, {
          cause: error,
        });
      }
    }
    await sleep(LOOK_AGAIN_MILLISECONDS);
  }
}

/** Nobody listens, or whoever did is gone. */
function isAbsence(error: unknown): boolean {
  return ["ECONNREFUSED", "ECONNRESET", "ENOENT", "EPIPE"].includes(systemCode(error) ?? "");
}

/** Problem details carry a code; their prose and whatever else came stays out of messages. */
function problemCode(text: string): string {
  const match = /"code":"([a-z][a-z0-9_.-]{0,63})"/.exec(text);
  return match?.[1] === undefined ? "" : ` (${match[1]})`;
}

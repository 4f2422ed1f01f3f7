/**
 * The files of the release beside this program, as the agents' listener hands them to a machine that has no certificate yet.
 * Read once into a table of exact names; nothing else of the disk can be asked for. Nobody believes them because they come
 * from here: the command that a person pastes names their SHA-256, and an update its signature.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RELEASE_FILES, releasePath } from "../../protocol/release.ts";
import { systemCode } from "../shared/edge-error.ts";
import type { Exchange } from "./forward.ts";
import { PRIVATE_HEADERS } from "./headers.ts";
import { sendProblem } from "./problem.ts";
import type { RateVerdict } from "./rate-limit.ts";

/** Keyed by the request path. */
export type ReleaseFiles = ReadonlyMap<string, Uint8Array>;

/** Empty where nothing was built: such an edge adds no host this way. */
export function readReleaseFiles(directory: string | undefined): ReleaseFiles {
  const files = new Map<string, Uint8Array>();
  const version = directory === undefined ? undefined : read(join(directory, "version"));
  if (directory === undefined || version === undefined) return files;
  for (const name of RELEASE_FILES) {
    const bytes = read(join(directory, name));
    if (bytes !== undefined) files.set(releasePath(version.toString().trim(), name), bytes);
  }
  return files;
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

export function serveRelease(
  bytes: Uint8Array,
  { request, response }: Exchange,
  allow: (key: string) => RateVerdict,
): void {
  if (request.method !== "GET") return refuseMethod(response);
  const { isAllowed, headers } = allow(addressOf(request));
  if (!isAllowed)
    return sendProblem(response, {
      status: 429,
      code: "too_many_installs",
      detail: "Too many downloads from this address in one minute. Wait a minute, then try again.",
      headers,
    });
  response.writeHead(200, {
    ...PRIVATE_HEADERS,
    ...headers,
    "content-type": "application/octet-stream",
    "content-length": String(bytes.length),
  });
  response.end(bytes);
}

function refuseMethod(response: ServerResponse): void {
  sendProblem(response, {
    status: 405,
    code: "method_not_allowed",
    detail: "These files are only read.",
    headers: { allow: "GET" },
  });
}

function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "";
}

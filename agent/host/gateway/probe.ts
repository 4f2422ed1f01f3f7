/**
 * The gateway's two unauthenticated routes, over node:http (the global fetch costs 20 MB of memory). It reads two
 * values, at most 16 KB, and believes neither: they only choose between "starting" and "running".
 */
import { get } from "node:http";
import { field } from "./wire.ts";

const PROBE_MILLISECONDS = 3_000;
const MAX_PROBE_BYTES = 16_384;

export interface Readiness {
  /** Somebody accepted the connection. */
  readonly answers: boolean;
  readonly ready: boolean;
  /** Since this boot of the gateway, not since its process began: a restart keeps the process. */
  readonly uptimeMilliseconds: number | undefined;
}

const nobody: Readiness = { answers: false, ready: false, uptimeMilliseconds: undefined };
const silent: Readiness = { answers: true, ready: false, uptimeMilliseconds: undefined };

/**
 * `socketPath`: a unix socket with the port behind it; whoever forwards from there hangs up where nobody listens. Never
 * rejects: every failure is one of the two answers "nobody" and "somebody who does not say ready".
 */
export function probeReadiness(host: string, port: number, socketPath?: string): Promise<Readiness> {
  return new Promise((resolve) => {
    const where = socketPath === undefined ? { host: host === "[::1]" ? "::1" : host, port } : { socketPath };
    const request = get({ ...where, path: "/readyz", agent: false, timeout: PROBE_MILLISECONDS }, (response) => {
      const parts: Uint8Array[] = [];
      let size = 0;
      response.on("data", (part: Uint8Array) => {
        size += part.byteLength;
        if (size > MAX_PROBE_BYTES) {
          request.destroy();
          finish(silent);
        } else parts.push(part);
      });
      response.on("end", () => finish(readBody(Buffer.concat(parts).toString("utf8"))));
      response.on("error", () => finish(silent));
    });
    const deadline = setTimeout(() => {
      request.destroy();
      finish(silent);
    }, PROBE_MILLISECONDS);
    function finish(readiness: Readiness): void {
      clearTimeout(deadline);
      resolve(readiness);
    }
    request.on("error", (error: NodeJS.ErrnoException) => {
      const isNobody = error.code === "ECONNREFUSED" || socketPath !== undefined;
      finish(isNobody ? nobody : silent);
    });
  });
}

function readBody(text: string): Readiness {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return silent;
  }
  const uptime = field(body, "uptimeMs");
  return {
    answers: true,
    ready: field(body, "ready") === true,
    uptimeMilliseconds: typeof uptime === "number" && Number.isFinite(uptime) && uptime >= 0 ? uptime : undefined,
  };
}

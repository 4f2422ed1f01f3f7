/**
 * One JSON request over a private unix socket, with a bound on what comes back. For the supervising process only:
 * the sockets behind it carry no authentication except their directory's mode.
 */

import { request as httpRequest } from "node:http";

export interface UnixResponse {
  readonly status: number;
  readonly text: string;
}

export interface UnixRequest {
  readonly socketPath: string;
  readonly path: string;
  /** Sent as JSON; a request without one is a GET. */
  readonly body?: unknown;
  readonly timeoutSeconds: number;
}

/** No answer to the supervisor is longer; a page of migrations' names is a few kilobytes. */
const MAX_RESPONSE_CHARACTERS = 1_048_576;

export function unixRequest({ socketPath, path, body, timeoutSeconds }: UnixRequest): Promise<UnixResponse> {
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const headers = payload && { "content-type": "application/json", "content-length": String(payload.length) };
    const request = httpRequest({
      socketPath,
      path,
      method: payload === undefined ? "GET" : "POST",
      agent: false,
      timeout: timeoutSeconds * 1000,
      headers: { host: "clawhold", ...headers },
    });
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeoutSeconds} s`)));
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_RESPONSE_CHARACTERS) request.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.end(payload);
  });
}

/**
 * The front's own refusals: problem details (RFC 9457) with a stable code, under the security headers. Says nothing
 * about what lies behind the front.
 */

import { STATUS_CODES } from "node:http";
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { PRIVATE_HEADERS } from "./headers.ts";

export interface Problem {
  readonly status: number;
  readonly code: string;
  /** One or two sentences: what happened and the next step. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function sendProblem(response: ServerResponse, problem: Problem): void {
  const body = render(problem);
  response.writeHead(problem.status, { ...headersOf(problem, body), connection: "close" });
  response.end(body);
}

/** For a person who typed another address of this machine: the same refusal as a page, with the way on. */
export function sendWrongAddressPage(response: ServerResponse, problem: Problem, address: string): void {
  const link = encodeURI(address);
  sendPage(response, problem, {
    title: "Clawhold is at another address",
    text: `<p>Passkeys belong to one name, so this dashboard answers only there.</p>
<p>Open <a href="${link}">${link}</a></p>`,
  });
}

/** For a person whose browser may not come in. The sentence is ours: it holds nothing of the request. */
export function sendRefusalPage(response: ServerResponse, problem: Problem): void {
  sendPage(response, problem, { title: "This browser may not open this dashboard", text: `<p>${problem.detail}</p>` });
}

function sendPage(
  response: ServerResponse,
  problem: Problem,
  { title, text }: { readonly title: string; readonly text: string },
): void {
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<main>
<h1>${title}</h1>
${text}
<p><code>${problem.code}</code></p>
</main>
</html>
`;
  response.writeHead(problem.status, {
    ...headersOf(problem, body),
    "content-type": "text/html; charset=utf-8",
    connection: "close",
  });
  response.end(body);
}

/** For connections that are not (or no longer) an HTTP exchange of Node's: refused upgrades, malformed requests. */
export function sendRawProblem(socket: Duplex, problem: Problem): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = render(problem);
  const lines = Object.entries({ ...headersOf(problem, body), connection: "close" }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const head = [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ""}`, ...lines, "", ""].join("\r\n");
  socket.on("error", () => socket.destroy());
  socket.end(head + body, () => socket.destroy());
}

function render({ status, code, detail }: Problem): string {
  return `${JSON.stringify({ type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, code, detail })}\n`;
}

function headersOf({ headers }: Problem, body: string): Record<string, string> {
  return {
    ...PRIVATE_HEADERS,
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  };
}

/**
 * Serves a built page on loopback with the headers of the real front, so that what is looked at runs under the policy
 * that is shipped. Any path without a dot is the application, as in the front.
 */
import { readdir, readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { SECURITY_HEADERS } from "../../agent/edge/headers.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface Served {
  readonly origin: string;
  stop(): Promise<void>;
}

/** What a page asks for beside its own files: the name of the question and its input, as JSON both ways. */
export type Answer = (name: string, input: unknown) => Promise<unknown>;

/** `answer`: for what is posted to `/asked/<name>`. */
export async function serve(dir: string, answer?: Answer): Promise<Served> {
  const names: readonly string[] = await readdir(dir);
  const server = createServer((request, response) => {
    if (answer !== undefined && request.method === "POST") {
      void respond(request, response, answer);
      return;
    }
    const path = new URL(request.url ?? "/", "http://page").pathname.slice(1);
    const name = names.includes(path) ? path : "index.html";
    void readFile(join(dir, name)).then((bytes) => {
      response.writeHead(200, { ...SECURITY_HEADERS, "content-type": types[extname(name)] ?? "text/plain" });
      response.end(bytes);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://clawhold.localhost:${port}`,
    stop: () => new Promise((done) => server.close(() => done())),
  };
}

async function respond(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const name = /^\/asked\/([A-Za-z]+)$/.exec(request.url ?? "")?.[1] ?? "";
  const value = await answer(name, JSON.parse(Buffer.concat(parts).toString("utf8")));
  response.writeHead(200, { ...SECURITY_HEADERS, "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

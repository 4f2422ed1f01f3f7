/**
 * Serves a built page on loopback with the headers of the real front, so that what is looked at runs under the policy
 * that is shipped. Any path without a dot is the application, as in the front.
 */
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
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

export async function serve(dir: string): Promise<Served> {
  const names: readonly string[] = await readdir(dir);
  const server = createServer((request, response) => {
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

/**
 * The dashboard's bundle, read once into an exact table of names. A request can only hit a name in the table, so
 * there is no path to traverse; nothing is read from disk while serving.
 */

import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { EdgeError, systemCode } from "../shared/edge-error.ts";
import { SECURITY_HEADERS } from "./headers.ts";
import { sendProblem } from "./problem.ts";
import { regularFiles } from "./regular-files.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

interface StaticFile {
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly etag: string;
}

/** Keyed by the request path, e.g. `/app.js`. */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

const INDEX = "/index.html";

export function readStaticFiles(directory: string): StaticFiles {
  const files = new Map<string, StaticFile>();
  for (const path of listFiles(directory))
    files.set(`/${path}`, describe(`/${path}`, readFileSync(join(directory, path))));
  if (!files.has(INDEX)) throw missing(directory, undefined);
  return files;
}

function listFiles(directory: string): readonly string[] {
  try {
    return regularFiles(directory).filter((path) => !basename(path).startsWith("."));
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw missing(directory, error);
    throw error;
  }
}

function missing(directory: string, cause: unknown): EdgeError {
  return new EdgeError(
    "bundle_missing",
    `The dashboard's files are missing (${directory}). The installation is incomplete: install Clawhold again.`,
    { cause },
  );
}

function describe(name: string, bytes: Uint8Array): StaticFile {
  const etag = `"${createHash("sha256").update(bytes).digest("base64url")}"`;
  return {
    bytes,
    etag,
    headers: {
      ...SECURITY_HEADERS,
      "cache-control": isHashed(name) ? "public, max-age=31536000, immutable" : "no-cache",
      "content-type": CONTENT_TYPES[extname(name)] ?? "application/octet-stream",
      etag,
    },
  };
}

/** esbuild's `[name]-[hash]`: eight characters of base 32. */
function isHashed(name: string): boolean {
  return /-[A-Z2-7]{8}\.[a-z0-9]+$/.test(name);
}

export function serveStatic(files: StaticFiles, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    sendProblem(response, {
      status: 405,
      code: "method_not_allowed",
      detail: "Pages are only read.",
      headers: { allow: "GET, HEAD" },
    });
    return;
  }
  const file = findFile(files, request);
  if (file === undefined) {
    sendProblem(response, { status: 404, code: "not_found", detail: "There is nothing at this address." });
    return;
  }
  if (matches(request.headers["if-none-match"], file.etag)) {
    response.writeHead(304, file.headers).end();
    return;
  }
  response.writeHead(200, { ...file.headers, "content-length": String(file.bytes.length) });
  response.end(request.method === "HEAD" ? undefined : file.bytes);
}

function findFile(files: StaticFiles, request: IncomingMessage): StaticFile | undefined {
  const [path = "/"] = (request.url ?? "/").split("?", 1);
  const found = files.get(path === "/" ? INDEX : path);
  if (found !== undefined) return found;
  return isPagePath(path) && isNavigation(request) ? files.get(INDEX) : undefined;
}

/** The dashboard's own addresses have no dot; a file that is not in the table does not exist. */
function isPagePath(path: string): boolean {
  return /^\/[A-Za-z0-9/_~:@%+-]*$/.test(path);
}

/** True when a person's browser will show the answer as a page. */
export function isNavigation(request: IncomingMessage): boolean {
  const mode = request.headers["sec-fetch-mode"];
  if (mode !== undefined) return mode === "navigate";
  return request.headers.accept?.includes("text/html") ?? false;
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((part) => part.trim().replace(/^W\//, "") === etag || part.trim() === "*");
}

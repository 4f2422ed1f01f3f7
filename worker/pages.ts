/**
 * The dashboard's files where Cloudflare serves them, after Access was asked for. They are the deployment's and reach the
 * browser as they are, with the headers that were uploaded beside them; without those nothing is handed out. This origin is
 * the edge's word: no root lists it as a signer.
 */
import { problem } from "./http/problems.ts";
import { answerProblem } from "./mount.ts";

const INDEX = "/index.html";
/** As the local front has it: the dashboard's own addresses have no dot, its files have one. */
const PAGE_PATH = /^\/[A-Za-z0-9/_~:@%+-]*$/;
const POLICY = "content-security-policy";

/** Whatever else comes is the API's, which refuses what it does not know. */
export function isForPages({ method, url }: Request): boolean {
  const { pathname } = new URL(url);
  return (method === "GET" || method === "HEAD") && pathname !== "/api" && !pathname.startsWith("/api/");
}

export async function servePage(request: Request, assets: Fetcher): Promise<Response> {
  const name = fileOf(request);
  if (name === undefined) return answerProblem(problem("not_found"));
  const known = request.headers.get("if-none-match");
  const asked = new Request(new URL(name, request.url), {
    method: request.method,
    headers: known === null ? {} : { "if-none-match": known },
  });
  const file = await assets.fetch(asked);
  // Bytes that the browser holds already keep the headers that they came with.
  if (file.status === 304) return file;
  if (file.status !== 200) return answerProblem(problem("not_found"));
  if (!file.headers.has(POLICY)) return answerProblem(problem("internal", "a page without its policy"));
  return file;
}

function fileOf(request: Request): string | undefined {
  const { pathname } = new URL(request.url);
  if (pathname === "/") return INDEX;
  if (!PAGE_PATH.test(pathname)) return pathname;
  return isNavigation(request) ? INDEX : undefined;
}

function isNavigation({ headers }: Request): boolean {
  const mode = headers.get("sec-fetch-mode");
  return mode === null ? headers.get("accept")?.includes("text/html") === true : mode === "navigate";
}

/**
 * What of an edge's answer may enter the signer's origin: status, body as data, the waiting times of rate limits, the
 * edge's time, and its session. Everything else stays outside, because a browser would act on it: go elsewhere, store
 * something, run something, tell another site. A pure judgement; the edge is hostile.
 */
import type { IncomingHttpHeaders } from "node:http";
import { incomingCookie } from "./session-cookie.ts";
import { FORWARDED_HEADERS } from "./forwarded-headers.ts";
import type { SignerProblem } from "./problem.ts";

export interface Head {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

export type Judged =
  | { readonly kind: "answer"; readonly status: number; readonly headers: readonly string[] }
  | { readonly kind: "problem"; readonly code: SignerProblem };

const JSON_TYPE = "application/json";
const PROBLEM_TYPE = "application/problem+json";

/** Numbers and the few words of the rate-limit fields (draft-ietf-httpapi-ratelimit-headers); nothing longer. */
const WAITING_NAME = /^(?:retry-after|ratelimit(?:-[a-z]{1,16})?)$/;
const WAITING_VALUE = /^[A-Za-z0-9 ;:,="_-]{1,128}$/;

/** `port`: of the signer, in whose name the session is kept. */
export function judgeAnswer({ status, headers }: Head, port: number): Judged {
  const problem = problemOf(status, headers);
  if (problem !== undefined) return { kind: "problem", code: problem };
  const passed: string[] = Object.entries(FORWARDED_HEADERS).flat();
  passed.push("content-type", mediaType(headers) === PROBLEM_TYPE ? PROBLEM_TYPE : JSON_TYPE);
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string" && WAITING_NAME.test(name) && WAITING_VALUE.test(value)) passed.push(name, value);
  }
  const date = dateOf(headers.date);
  if (date !== undefined) passed.push("date", date);
  const cookie = incomingCookie(headers["set-cookie"] ?? [], port);
  if (cookie !== undefined) passed.push("set-cookie", cookie);
  return { kind: "answer", status, headers: passed };
}

function problemOf(status: number, headers: IncomingHttpHeaders): SignerProblem | undefined {
  if (isAccess(status, headers)) return "access_refused";
  if (status >= 300 && status < 400) return "edge_redirected";
  if (status === 421) return "edge_name";
  const type = mediaType(headers);
  if (type !== JSON_TYPE && type !== PROBLEM_TYPE) return "edge_foreign";
  // We ask for none; bytes that are something else than they seem are not handed on.
  if ((headers["content-encoding"] ?? "identity") !== "identity") return "edge_foreign";
  return status >= 200 && status < 600 ? undefined : "edge_foreign";
}

/** Its login page for people, or its plain refusal of a token: never an answer of ours, whose refusals are JSON. */
function isAccess(status: number, headers: IncomingHttpHeaders): boolean {
  if (status === 401 || status === 403) return mediaType(headers) === "text/html";
  const { location } = headers;
  if (status < 300 || status >= 400 || location === undefined || !URL.canParse(location, "https://edge.invalid"))
    return false;
  const { hostname, pathname } = new URL(location, "https://edge.invalid");
  return hostname.endsWith(".cloudflareaccess.com") || pathname.startsWith("/cdn-cgi/access/");
}

function mediaType(headers: IncomingHttpHeaders): string {
  return (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** The page carries the edge's time forward and never believes its own clock. Read and written anew. */
function dateOf(text: string | undefined): string | undefined {
  const milliseconds = Date.parse(text ?? "");
  return Number.isNaN(milliseconds) ? undefined : new Date(milliseconds).toUTCString();
}

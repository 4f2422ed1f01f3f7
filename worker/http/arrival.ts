/** What of a request anybody may look at before deciding anything: bounded, read once, believed in nothing. */
import { toBase64url } from "../../protocol/bytes.ts";
import { requestHeaders, SESSION_COOKIE } from "../../protocol/contracts.ts";
import type { LedgerDraft } from "../../protocol/ledger.ts";
import { BODY_SECONDS, MAX_BODY_BYTES } from "../../protocol/limits.ts";
import { sha256Of } from "../../protocol/signing.ts";
import { deviceOf } from "./device.ts";
import { problem } from "./problems.ts";

export interface Arrival {
  readonly method: string;
  /** Path and query as requested. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
  /** base64url SHA-256 of the body. */
  readonly bodyDigest: string;
  readonly contentType: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly cookie: string | undefined;
  /** Id of the automation key that is said to have signed. */
  readonly automationKey: string | undefined;
  /** The signed request and its signature, both unverified. */
  readonly signed: { readonly request: string; readonly signature: string } | undefined;
  /** Browser and system in a few fixed words. */
  readonly device: string;
  /** Source address as the front or Cloudflare states it; undefined when it states nothing sensible. */
  readonly sourceIp: string | undefined;
  /** Of that address, two letters, where the platform says so. */
  readonly country: string | undefined;
}

/** What a sign-in's entry commits to. */
export function whereFrom({
  sourceIp,
  country,
  device,
}: Pick<Arrival, "sourceIp" | "country" | "device">): Pick<LedgerDraft, "sourceIp" | "country" | "device"> {
  return {
    device,
    ...(sourceIp === undefined ? {} : { sourceIp }),
    ...(country === undefined ? {} : { country }),
  };
}

/** @throws {ProblemError} `too_large` */
export async function readArrival(request: Request): Promise<Arrival> {
  const url = new URL(request.url);
  const body = await readBody(request);
  const header = (name: string): string | undefined => request.headers.get(name) ?? undefined;
  const signedRequest = header(requestHeaders.body);
  const signature = header(requestHeaders.signature);
  return {
    method: request.method,
    path: url.pathname + url.search,
    query: url.searchParams,
    body,
    bodyDigest: toBase64url(sha256Of(body)),
    contentType: header("content-type"),
    origin: header("origin"),
    fetchSite: header("sec-fetch-site"),
    cookie: readCookie(header("cookie")),
    automationKey: header(requestHeaders.automationKey),
    signed: signedRequest === undefined || signature === undefined ? undefined : { request: signedRequest, signature },
    device: deviceOf(header("user-agent")),
    sourceIp: sourceAddress(request),
    country: readCountry(request.cf?.country),
  };
}

/**
 * Counts while reading: a length that a client states is not a limit. Who sends a byte now and then holds a request open
 * no longer than anybody needs for a whole one.
 * @throws {ProblemError} `too_large` or `body_slow`
 */
export async function readBody(request: Request, seconds = BODY_SECONDS): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(problem("body_slow")), seconds * 1_000);
  try {
    return await Promise.race([readAll(request), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function readAll(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) throw problem("too_large");
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw problem("too_large");
    chunks.push(chunk);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/** `T1` (Tor) and `XX` (unknown) are said in the same field. */
function readCountry(stated: unknown): string | undefined {
  return typeof stated === "string" && /^[A-Z][A-Z0-9]$/.test(stated) ? stated : undefined;
}

/** Two cookies of our name are no cookie: another page of this hostname may have added one. */
function readCookie(header: string | undefined): string | undefined {
  const prefix = `${SESSION_COOKIE}=`;
  const ours = (header ?? "").split(/; */).filter((pair) => pair.startsWith(prefix));
  const [only] = ours;
  if (only === undefined || ours.length !== 1) return undefined;
  const value = only.slice(prefix.length);
  return /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
}

/** As the front or Cloudflare states it, who alone can: both take the field away from clients. */
export function sourceAddress(request: Request): string | undefined {
  const text = request.headers.get("cf-connecting-ip");
  return text !== null && /^[0-9a-fA-F:.]{2,45}$/.test(text) ? text : undefined;
}

export function sessionCookie(value: string, maxAgeSeconds: number): string {
  return `${SESSION_COOKIE}=${value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}`;
}

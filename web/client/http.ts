/**
 * Calls the edge through the contracts table. Every request is signed by the session key (or the setup key), so the
 * cookie alone is worth nothing; every answer is parsed by the endpoint's own schema, so an unexpected one is an error.
 */
import * as v from "valibot";
import { fromBase64url, toBase64url, utf8 } from "../../protocol/bytes.ts";
import {
  endpoints,
  problemSchema,
  requestHeaders,
  type Endpoint,
  type EndpointName,
} from "../../protocol/contracts.ts";
import { requestCodec, type ApiRequest } from "../../protocol/messages.ts";
import { sha256Of, type Signer } from "../../protocol/signing.ts";
import { REQUEST_SKEW_SECONDS } from "../../protocol/limits.ts";
import type { EdgeClock } from "./clock.ts";
import type { OtherKeys } from "./session-keys.ts";
import { MAX_WAITS, patienceFor } from "./patience.ts";
import { randomNonce } from "./random.ts";
import { problemError, TroubleError, UNREACHABLE } from "./trouble.ts";

type Schema<N extends EndpointName, K extends "request" | "response"> = (typeof endpoints)[N] extends {
  readonly [P in K]: infer S extends v.GenericSchema;
}
  ? v.InferOutput<S>
  : undefined;
export type Answer<N extends EndpointName> = Schema<N, "response">;

export interface CallInput<N extends EndpointName> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Schema<N, "request">;
}

interface Outgoing {
  readonly path: string;
  readonly text: string;
  /** Edge time; 0 where nothing is signed. */
  readonly signedAt: number;
}

export class EdgeClient {
  readonly #clock: EdgeClock;
  readonly #onReach: (ok: boolean) => void;
  readonly #onUnauthorised: () => void;
  #signer: Signer | undefined;
  #others: OtherKeys | undefined;

  constructor(deps: {
    readonly clock: EdgeClock;
    readonly onReach: (ok: boolean) => void;
    readonly onUnauthorised: () => void;
  }) {
    this.#clock = deps.clock;
    this.#onReach = deps.onReach;
    this.#onUnauthorised = deps.onUnauthorised;
  }

  /** The key that signs requests from now on; undefined when signed out. `others`: asked when the edge refuses it. */
  use(signer: Signer | undefined, others?: OtherKeys): void {
    this.#signer = signer;
    this.#others = others;
  }

  /** @throws {TroubleError} with a sentence for every failure a person can meet. */
  async call<N extends EndpointName>(name: N, input: CallInput<N> = {}): Promise<Answer<N>> {
    const endpoint: Endpoint = endpoints[name];
    const path = requestPath(endpoint.path, input);
    const text = input.body === undefined ? "" : JSON.stringify(input.body);
    const signedAt = endpoint.access === "open" ? 0 : await this.#edgeNow();
    const tried = this.#signer;
    const response = await this.#sendPatiently(endpoint, { path, text, signedAt });
    const corrected = response.status === 401 && signedAt > 0 ? this.#correctedTime(response, signedAt) : undefined;
    // A machine that slept stopped our clock: the refusal says the edge's time, and the request is signed once more.
    const outgoing = { path, text, signedAt: corrected ?? signedAt };
    const second = corrected === undefined ? response : await this.#send(endpoint, outgoing);
    const last =
      second.status === 401 ? await this.#withOtherKeys(endpoint, outgoing, { tried, response: second }) : second;
    return (await this.#parse(endpoint, last)) as Answer<N>;
  }

  /** A question that was one too many is signed and asked again when the edge said it might be. */
  async #sendPatiently(endpoint: Endpoint, outgoing: Outgoing): Promise<Response> {
    for (let waits = 0; ; waits += 1) {
      const signedAt = waits === 0 || outgoing.signedAt === 0 ? outgoing.signedAt : await this.#edgeNow();
      const response = await this.#send(endpoint, { ...outgoing, signedAt });
      const seconds = waits < MAX_WAITS ? patienceFor(endpoint.method, response) : undefined;
      if (seconds === undefined) return response;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    }
  }

  /** The edge may know a newer key of this sign-in than this page, or never have heard of the newest. */
  async #withOtherKeys(
    endpoint: Endpoint,
    outgoing: Outgoing,
    { tried, response: refused }: { readonly tried: Signer | undefined; readonly response: Response },
  ): Promise<Response> {
    const others = this.#others;
    if (endpoint.access !== "session" || tried === undefined || others === undefined) return refused;
    for (const other of await others.besides(tried.publicKey)) {
      const response = await this.#send(endpoint, outgoing, other);
      if (response.status === 401) continue;
      await others.adopted(other.publicKey);
      return response;
    }
    return refused;
  }

  async #send(endpoint: Endpoint, outgoing: Outgoing, signer = this.#signer): Promise<Response> {
    return this.#fetch(outgoing.path, {
      method: endpoint.method,
      headers: await this.#headers(endpoint, outgoing, signer),
      ...(endpoint.method === "POST" ? { body: outgoing.text } : {}),
    });
  }

  /** The edge's time, where the request was signed at one too far off to be believed. */
  #correctedTime(response: Response, signedAt: number): number | undefined {
    const said = edgeTimeOf(response);
    if (said === undefined || Math.abs(said - signedAt) <= REQUEST_SKEW_SECONDS / 2) return undefined;
    this.#clock.set(said);
    return said;
  }

  /** The edge's time, asked for when no answer told it yet: the wall clock of this machine may be wrong. */
  async #edgeNow(): Promise<number> {
    if (this.#clock.now() > 0) return this.#clock.now();
    const response = await this.#fetch(endpoints.health.path, { method: endpoints.health.method });
    await this.#parse(endpoints.health, response);
    const said = edgeTimeOf(response);
    if (said === undefined) throw new TroubleError(FOREIGN_ANSWER);
    this.#clock.set(said);
    return said;
  }

  async #headers(
    endpoint: Endpoint,
    { path, text, signedAt }: Outgoing,
    signer: Signer | undefined,
  ): Promise<Record<string, string>> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (endpoint.method === "POST") headers["content-type"] = "application/json";
    if (endpoint.access === "open") return headers;
    if (signer === undefined)
      throw new TroubleError({ code: "signed_out", what: "You are signed out.", next: "Sign in." });
    const request: ApiRequest = {
      v: 1,
      method: endpoint.method,
      path,
      body: toBase64url(sha256Of(utf8(text))),
      iat: signedAt,
      jti: randomNonce(),
    };
    const body = requestCodec.encode(request);
    headers[requestHeaders.body] = toBase64url(body);
    headers[requestHeaders.signature] = await signer.sign("request", body);
    return headers;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(path, { credentials: "same-origin", cache: "no-store", redirect: "error", ...init });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#onReach(false); // the network's own failure; nothing else of fetch throws a TypeError here
      throw new TroubleError(UNREACHABLE);
    }
  }

  async #parse(endpoint: Endpoint, response: Response): Promise<unknown> {
    const value: unknown = await response.json().catch(() => undefined); // not JSON: the schemas below refuse it
    const problem = v.safeParse(problemSchema, value);
    // Whoever stands before a stopped edge answers in another form; a problem of the edge's own is an answer.
    this.#onReach(response.status < 502 || problem.success);
    if (!response.ok) {
      if (response.status === 401 && endpoint.access === "session") this.#onUnauthorised();
      throw problem.success ? problemError(problem.output) : new TroubleError(UNREACHABLE);
    }
    if (endpoint.response === undefined) return undefined;
    const answer = v.safeParse(endpoint.response, value);
    if (!answer.success) throw new TroubleError(FOREIGN_ANSWER);
    return answer.output;
  }
}

const FOREIGN_ANSWER = {
  code: "foreign_answer",
  what: "The control plane gave an answer that this page does not know.",
  why: "Page and control plane may be of different versions.",
  next: "Reload the page.",
} as const;

/** Seconds; every HTTP answer carries it (RFC 9110, section 6.6.1). */
function edgeTimeOf(response: Response): number | undefined {
  const milliseconds = Date.parse(response.headers.get("date") ?? "");
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}

function requestPath(template: string, input: { readonly params?: object; readonly query?: object }): string {
  const params = new Map<string, string>(Object.entries(input.params ?? {}));
  const path = template.replaceAll(/:([a-z]+)/g, (_, name: string) => encodeURIComponent(params.get(name) ?? ""));
  const query = new URLSearchParams(Object.entries(input.query ?? {})).toString();
  return query === "" ? path : `${path}?${query}`;
}

/** Bytes that arrived as base64url inside JSON. @throws {TroubleError} */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64url(text);
  } catch {
    throw new TroubleError(FOREIGN_ANSWER); // the schema admits the alphabet; unused bits can still be wrong
  }
}

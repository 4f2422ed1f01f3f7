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
import type { EdgeClock } from "./clock.ts";
import { randomNonce } from "./random.ts";
import { problemTrouble, TroubleError, UNREACHABLE } from "./trouble.ts";

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

export class EdgeClient {
  readonly #clock: EdgeClock;
  readonly #onReach: (ok: boolean) => void;
  readonly #onUnauthorised: () => void;
  #signer: Signer | undefined;

  constructor(deps: {
    readonly clock: EdgeClock;
    readonly onReach: (ok: boolean) => void;
    readonly onUnauthorised: () => void;
  }) {
    this.#clock = deps.clock;
    this.#onReach = deps.onReach;
    this.#onUnauthorised = deps.onUnauthorised;
  }

  /** The key that signs requests from now on; undefined when signed out. */
  use(signer: Signer | undefined): void {
    this.#signer = signer;
  }

  /** @throws {TroubleError} with a sentence for every failure a person can meet. */
  async call<N extends EndpointName>(name: N, input: CallInput<N> = {}): Promise<Answer<N>> {
    const endpoint: Endpoint = endpoints[name];
    const path = requestPath(endpoint.path, input);
    const text = input.body === undefined ? "" : JSON.stringify(input.body);
    const headers = await this.#headers(endpoint, path, text);
    const response = await this.#fetch(path, {
      method: endpoint.method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      ...(endpoint.method === "POST" ? { body: text } : {}),
    });
    return (await this.#parse(endpoint, response)) as Answer<N>;
  }

  async #headers(endpoint: Endpoint, path: string, text: string): Promise<Record<string, string>> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (endpoint.method === "POST") headers["content-type"] = "application/json";
    if (endpoint.access === "open") return headers;
    const signer = this.#signer;
    if (signer === undefined)
      throw new TroubleError({ code: "signed_out", what: "You are signed out.", next: "Sign in." });
    const request: ApiRequest = {
      v: 1,
      method: endpoint.method,
      path,
      body: toBase64url(sha256Of(utf8(text))),
      iat: this.#clock.now() === 0 ? Math.floor(Date.now() / 1000) : this.#clock.now(),
      jti: randomNonce(),
    };
    const body = requestCodec.encode(request);
    headers[requestHeaders.body] = toBase64url(body);
    headers[requestHeaders.signature] = await signer.sign("request", body);
    return headers;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      const response = await fetch(path, init);
      this.#onReach(response.status < 502 || response.status > 504);
      return response;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#onReach(false); // the network's own failure; nothing else of fetch throws a TypeError here
      throw new TroubleError(UNREACHABLE);
    }
  }

  async #parse(endpoint: Endpoint, response: Response): Promise<unknown> {
    const value: unknown = await response.json().catch(() => undefined); // not JSON: the schemas below refuse it
    if (!response.ok) {
      const problem = v.safeParse(problemSchema, value);
      if (response.status === 401 && endpoint.access === "session") this.#onUnauthorised();
      throw new TroubleError(problem.success ? problemTrouble(problem.output) : UNREACHABLE);
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

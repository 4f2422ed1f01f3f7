/**
 * Asks an edge in the name of an automation key: every request is signed by the key, every answer is read by the
 * contract's own schema. The edge is believed in nothing that a host or the trust log can prove.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import * as v from "valibot";
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import { automationEndpoints } from "../../protocol/contracts/automation.ts";
import { problemSchema, requestHeaders, type Endpoint } from "../../protocol/contracts.ts";
import { REQUEST_SKEW_SECONDS } from "../../protocol/limits.ts";
import { requestCodec } from "../../protocol/messages.ts";
import { sha256Of } from "../../protocol/signing.ts";
import type { AccessToken } from "../signer/access-token.ts";
import { certificateProblem, dial, type Dialled } from "../signer/dial.ts";
import type { AutomationKeyFile } from "./key-file.ts";
import { AutomationError } from "./trouble.ts";

/** A page of the trust log is the largest answer. */
const MAX_ANSWER_BYTES = 1_048_576;

type AutomationEndpoint = keyof typeof automationEndpoints;
type Schema<N extends AutomationEndpoint, K extends "request" | "response"> = (typeof automationEndpoints)[N] extends {
  readonly [P in K]: infer S extends v.GenericSchema;
}
  ? v.InferOutput<S>
  : undefined;

export interface AutomationCall<N extends AutomationEndpoint> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: Schema<N, "request">;
}

export interface AutomationClientDeps {
  readonly key: AutomationKeyFile;
  readonly dialled: Dialled;
  readonly access: AccessToken | undefined;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  /** The edge's clock, seconds; undefined when it said nothing sensible. */
  readonly date: number | undefined;
}

export class AutomationClient {
  readonly #deps: AutomationClientDeps;
  /** The edge's clock minus ours, seconds: a pipeline's machine may be wrong about the time. */
  #ahead = 0;

  constructor(deps: AutomationClientDeps) {
    this.#deps = deps;
  }

  /** @throws {AutomationError} */
  async call<N extends AutomationEndpoint>(name: N, input: AutomationCall<N> = {}): Promise<Schema<N, "response">> {
    const endpoint: Endpoint = automationEndpoints[name];
    const path = pathOf(endpoint, input.params ?? {}) + (input.query ?? "");
    const body = input.body === undefined ? "" : JSON.stringify(input.body);
    let answer = await this.#ask(endpoint, path, body);
    if (answer.status === 401 && this.#correctClock(answer)) answer = await this.#ask(endpoint, path, body);
    return read(endpoint, answer) as Schema<N, "response">;
  }

  #seconds(): number {
    return Math.floor(this.#deps.now() / 1_000) + this.#ahead;
  }

  #correctClock({ date }: Answer): boolean {
    if (date === undefined || Math.abs(date - this.#seconds()) <= REQUEST_SKEW_SECONDS / 2) return false;
    this.#ahead += date - this.#seconds();
    return true;
  }

  async #ask({ method }: Endpoint, path: string, body: string): Promise<Answer> {
    const { key, access, dialled } = this.#deps;
    const request = requestCodec.encode({
      v: 1,
      method,
      path,
      body: toBase64url(sha256Of(utf8(body))),
      iat: this.#seconds(),
      jti: toBase64url(randomBytes(32)),
    });
    const signature = await key.signer.sign("request", request);
    const named = {
      host: dialled.edge.host,
      accept: "application/json",
      [requestHeaders.automationKey]: key.id,
      [requestHeaders.body]: toBase64url(request),
      [requestHeaders.signature]: signature,
      ...(method === "POST" ? { "content-type": "application/json", "content-length": String(utf8(body).length) } : {}),
    };
    const headers = [...Object.entries(named).flat(), ...(access?.headers() ?? [])];
    return exchange(dialled, { method, path, headers }, body);
  }
}

function pathOf({ path }: Endpoint, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:([a-z]+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}

function exchange(
  dialled: Dialled,
  { method, path, headers }: { readonly method: string; readonly path: string; readonly headers: readonly string[] },
  body: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = dial(dialled, { method, path, headers: [...headers] });
    outgoing.on("timeout", () => outgoing.destroy());
    outgoing.on("error", (error) => reject(unreachable(dialled, error)));
    outgoing.on("response", (incoming) => {
      readText(incoming).then(
        (text) => resolve({ status: incoming.statusCode ?? 0, text, date: dateOf(incoming) }),
        (error: unknown) => reject(error instanceof Error ? error : new TypeError("no answer")),
      );
    });
    outgoing.end(body);
  });
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw badAnswer("it is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function dateOf({ headers }: IncomingMessage): number | undefined {
  const at = Date.parse(headers.date ?? "");
  return Number.isNaN(at) ? undefined : Math.floor(at / 1_000);
}

function unreachable({ edge }: Dialled, error: Error): AutomationError {
  const why = certificateProblem(error) === undefined ? "it does not answer" : "its certificate is not trusted";
  return new AutomationError(
    "edge_unreachable",
    `The edge at ${edge.url} cannot be reached: ${why}. Check the address in the key file, and the network of this machine.`,
  );
}

function read({ response }: Endpoint, { status, text }: Answer): unknown {
  const value = parse(text);
  if (status >= 200 && status < 300) {
    const result = response === undefined ? undefined : v.safeParse(response, value);
    if (result?.success === true) return result.output;
    throw badAnswer("it does not fit");
  }
  // The edge tells nobody whether a key exists, and its sentence is for people at a page.
  if (status === 401)
    throw new AutomationError(
      "refused",
      "The edge does not take this key: nobody granted it in this workspace, it was revoked, or it has ended. Ask an administrator to look at the page Automation.",
      "unauthenticated",
    );
  const problem = v.safeParse(problemSchema, value);
  if (!problem.success) throw badAnswer(`status ${String(status)} without a reason`);
  // A key cannot propose, and never counts as somebody.
  if (problem.output.code === "people")
    throw new AutomationError(
      "refused",
      "A rule asks for several people, and an automation key never counts as one. Let people run this from the dashboard, or have an administrator change the rule.",
      "people",
    );
  throw new AutomationError("refused", problem.output.title, problem.output.code);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badAnswer("it is not JSON");
  }
}

function badAnswer(why: string): AutomationError {
  return new AutomationError(
    "edge_answer",
    `The answer is not one that Clawhold gives: ${why}. Check that the address in the key file is an edge of Clawhold.`,
  );
}

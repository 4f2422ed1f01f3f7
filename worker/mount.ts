/**
 * Mounts the table of endpoints. Nothing is reachable that the table does not name; who may call, what goes in and what
 * comes out are the table's, so a handler is given an authority it cannot make and a body that fits its schema.
 */
import { Hono, type Context } from "hono";
import * as v from "valibot";
import { edgeSeconds } from "../durable-objects/clock.ts";
import { logFault } from "../durable-objects/log.ts";
import { LedgerUnavailable } from "../durable-objects/ledger-client.ts";
import { TrustLogDamaged } from "../durable-objects/db/trust-log.ts";
import { utf8Text } from "../protocol/bytes.ts";
import { endpoints, type Endpoint, type EndpointName } from "../protocol/contracts.ts";
import { endpointRates, rateLimitFields, type Standing } from "../protocol/rates.ts";
import { hasPermission } from "../protocol/trust/state.ts";
import { authenticateAutomation, type AutomationHolder } from "./access/automation.ts";
import { authenticate, type Operator } from "./access/operator.ts";
import { authenticateSetup, type SetupHolder } from "./access/setup-holder.ts";
import type { Deps } from "./deps.ts";
import { readArrival, type Arrival } from "./http/arrival.ts";
import { limitedProblem, problem, ProblemError, problemResponse } from "./http/problems.ts";
import { SECURITY_HEADERS, withSecurityHeaders } from "./http/headers.ts";
import { sayDamage } from "./workspace.ts";

type Table = typeof endpoints;
type Output<N extends EndpointName, K extends "request" | "response"> = Table[N] extends {
  readonly [P in K]: infer S extends v.GenericSchema;
}
  ? v.InferOutput<S>
  : undefined;

/** `open` and `ticket` bring none: what such a handler needs to know, its body or ticket must prove. */
interface Authorities {
  readonly open: undefined;
  readonly setup: SetupHolder;
  readonly session: Operator;
  readonly automation: AutomationHolder;
  readonly ticket: undefined;
}

export interface Call<N extends EndpointName> {
  readonly authority: Authorities[Table[N]["access"]];
  readonly body: Output<N, "request">;
  readonly params: Readonly<Record<string, string>>;
  readonly arrival: Arrival;
  /** The request itself, for upgrades. */
  readonly request: Request;
  readonly deps: Deps;
  /** Goes on after the answer. */
  readonly later: (work: Promise<unknown>) => void;
}

export interface Answer<N extends EndpointName> {
  readonly body: Output<N, "response">;
  readonly setCookie?: string;
}

export type Handler<N extends EndpointName> = (call: Call<N>) => Promise<Answer<N> | Response>;
export type Handlers = { readonly [N in EndpointName]: Handler<N> };

type Bindings = { Bindings: Deps };

export function mountEndpoints(handlers: Handlers): Hono<Bindings> {
  const app = new Hono<Bindings>();
  for (const name of Object.keys(endpoints) as EndpointName[]) {
    const endpoint: Endpoint = endpoints[name];
    // The table ties each name to its own body and authority; the compiler cannot follow that through a loop.
    const handler = handlers[name] as unknown as AnyHandler;
    app.on(endpoint.method, endpoint.path, (context) => serve(context, name, handler));
  }
  app.notFound(() => answerProblem(problem("not_found")));
  app.onError((error) => answerProblem(error));
  return app;
}

interface AnyCall {
  readonly authority: Operator | SetupHolder | AutomationHolder | undefined;
  readonly body: unknown;
  readonly params: Readonly<Record<string, string>>;
  readonly arrival: Arrival;
  readonly request: Request;
  readonly deps: Deps;
  readonly later: (work: Promise<unknown>) => void;
}
type AnyHandler = (call: AnyCall) => Promise<{ readonly body: unknown; readonly setCookie?: string } | Response>;

/** How the rates stand that this call was counted by, for the answer's headers, whatever the answer is. */
interface Tally {
  standings: readonly Standing[];
}

async function serve(context: Context<Bindings>, name: EndpointName, handler: AnyHandler): Promise<Response> {
  const tally: Tally = { standings: [] };
  const response = await answerOf({ context, name, handler }, tally).catch((error: unknown) => answerProblem(error));
  // A socket's handshake has no headers of ours; a refusal by a rate has brought its own.
  if (response.webSocket !== null || response.headers.has("ratelimit")) return response;
  for (const [field, value] of Object.entries(rateLimitFields(tally.standings))) response.headers.set(field, value);
  return response;
}

interface Serving {
  readonly context: Context<Bindings>;
  readonly name: EndpointName;
  readonly handler: AnyHandler;
}

async function answerOf({ context, name, handler }: Serving, tally: Tally): Promise<Response> {
  const deps = context.env;
  const request = context.req.raw;
  const endpoint: Endpoint = endpoints[name];
  const arrival = await readArrival(request);
  try {
    const authority = await authorise(name, { arrival, deps }, tally);
    const answer = handler({
      authority,
      body: readBodyAs(endpoint, arrival),
      params: context.req.param(),
      arrival,
      request,
      deps,
      later: (work) => context.executionCtx.waitUntil(work.catch((error: unknown) => logFault("later", error))),
    });
    const result = await (authority === undefined ? answer : sayDamage(answer));
    return result instanceof Response ? withSecurityHeaders(result) : jsonResponse(endpoint, result);
  } catch (error) {
    await deps.rates.failed(error, arrival);
    throw error;
  }
}

interface Asking {
  readonly arrival: Arrival;
  readonly deps: Deps;
}

async function authorise(
  name: EndpointName,
  { arrival, deps }: Asking,
  tally: Tally,
): Promise<Operator | SetupHolder | AutomationHolder | undefined> {
  const { access, permission }: Endpoint = endpoints[name];
  switch (access) {
    case "open":
    case "ticket":
      tally.standings = await deps.rates.count(endpointRates[name], arrival);
      return undefined;
    case "setup":
      tally.standings = await deps.rates.count(endpointRates[name], arrival);
      return authenticateSetup(arrival, deps);
    case "automation":
      return requireProof(() => countedAutomation({ arrival, deps }, tally), { arrival, deps });
    case "session": {
      const { operator, standings } = await requireProof(() => authenticate(name, arrival, deps), { arrival, deps });
      tally.standings = standings;
      if (
        permission !== undefined &&
        !hasPermission(operator.trust, operator.person, { permission, now: edgeSeconds() })
      )
        throw problem("forbidden", permission);
      return operator;
    }
  }
}

const STRANGER_CODES: ReadonlySet<string> = new Set(["unauthenticated", "automation_refused"]);

/** Whoever turns out to have proven nothing is counted as a stranger, and hears of that instead when it was too often. */
async function requireProof<T>(prove: () => Promise<T>, { arrival, deps }: Asking): Promise<T> {
  try {
    return await prove();
  } catch (error) {
    if (error instanceof ProblemError && STRANGER_CODES.has(error.code))
      await deps.rates.count("unauthenticated", arrival);
    throw error;
  }
}

/** Calls of people are counted where their session is judged; an automation key has none. */
async function countedAutomation({ arrival, deps }: Asking, tally: Tally): Promise<AutomationHolder> {
  const holder = await authenticateAutomation(arrival, deps);
  const { workspace, key } = holder;
  const rate = { name: "automation", rate: deps.rates.rate("automation") } as const;
  const standings = await deps.sessions(workspace).countCall(workspace, { kind: "automation", id: key.id }, rate);
  tally.standings = standings;
  const [standing] = standings;
  if (standing !== undefined && !standing.isAllowed)
    throw limitedProblem("too_many", { standings, waitSeconds: standing.waitSeconds });
  return holder;
}

function readBodyAs(endpoint: Endpoint, arrival: Arrival): unknown {
  if (endpoint.request === undefined) {
    if (arrival.body.length > 0) throw problem("malformed_request", "a body where none is due");
    return undefined;
  }
  if (arrival.contentType !== "application/json") throw problem("media_type");
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(arrival.body));
  } catch {
    throw problem("malformed_request", "not UTF-8 JSON");
  }
  const result = v.safeParse(endpoint.request, value, { abortEarly: true });
  if (!result.success) throw problem("malformed_request", v.getDotPath(result.issues[0]) ?? "top level");
  return result.output;
}

/** What leaves fits the contract too, so that a careless handler cannot leak a field. */
function jsonResponse(
  endpoint: Endpoint,
  { body, setCookie }: { readonly body: unknown; readonly setCookie?: string },
): Response {
  if (endpoint.response === undefined || !v.is(endpoint.response, body))
    throw new TypeError(`answer of ${endpoint.path} does not fit its contract`);
  // Made whole: wrapped once more, its bytes would be a stream of unknown length.
  const headers = setCookie === undefined ? SECURITY_HEADERS : { ...SECURITY_HEADERS, "set-cookie": setCookie };
  return Response.json(body, { headers });
}

export function answerProblem(error: unknown): Response {
  return withSecurityHeaders(problemResponse(asProblem(error)));
}

function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof LedgerUnavailable) return problem("ledger_unavailable", error.message);
  // Whoever may hear of it heard it before this (workspace.ts): here are strangers.
  if (error instanceof TrustLogDamaged) return problem("internal", `trust_damaged: ${error.message}`);
  // Sessions and hosts keep their own storage beside the ledger's; on one disk any of them can be the first to notice.
  if (error instanceof Error && error.message.includes("SQLITE_FULL")) return problem("storage_full", error.message);
  logFault("internal", error);
  return problem("internal", error instanceof Error ? error.message : undefined);
}

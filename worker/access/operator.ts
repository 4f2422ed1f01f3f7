/**
 * Makes an `Operator` out of a request, and is the only place that can. Two things are needed at once: the cookie, and
 * the request signed by the session key; neither is worth anything alone. Every failure looks the same from outside.
 */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { TrustLogDamaged } from "../../durable-objects/db/trust-log.ts";
import type { ObservedRequest, RequestRefusal } from "../../durable-objects/sessions.ts";
import { hashCookie, type SessionRecord } from "../../durable-objects/session-table.ts";
import type { EndpointName } from "../../protocol/contracts.ts";
import type { Standing } from "../../protocol/rates.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { Deps } from "../deps.ts";
import { isBorne } from "../end-sessions.ts";
import type { Arrival } from "../http/arrival.ts";
import { limitedProblem, problem, type ProblemError } from "../http/problems.ts";
import { allowanceFor } from "./session-rates.ts";
import { currentTrust, currentWorkspace } from "../workspace.ts";
import { requireSameOrigin } from "./same-origin.ts";

declare const authenticated: unique symbol;

/** A signed-in person, at this request. Handlers that act for somebody take one; nothing else can make one. */
export interface Operator extends SessionRecord {
  readonly [authenticated]: true;
  readonly workspace: string;
  /** The state this request is judged by. */
  readonly trust: TrustState;
}

function operatorOf(record: SessionRecord, trust: TrustState): Operator {
  const facts: Omit<Operator, typeof authenticated> = { ...record, workspace: trust.workspace, trust };
  return facts as Operator;
}

/** Who fails like this holds the cookie of an open session: half of what it takes, so somebody should hear of it. */
const WITH_COOKIE: ReadonlySet<RequestRefusal> = new Set<RequestRefusal>([
  "malformed",
  "signature",
  "mismatch",
  "replay",
]);

export interface Authenticated {
  readonly operator: Operator;
  /** How the rates of this session stand. */
  readonly standings: readonly Standing[];
}

/** @throws {ProblemError} `unauthenticated`, `origin` or `too_many` */
export async function authenticate(name: EndpointName, arrival: Arrival, deps: Deps): Promise<Authenticated> {
  const { cookie, signed, method, path, bodyDigest } = arrival;
  if (cookie === undefined || signed === undefined)
    throw problem("unauthenticated", cookie === undefined ? "no cookie" : "no signature");
  const observed = { cookieHash: hashCookie(cookie), ...signed, method, path, bodyDigest };
  const trust = await currentTrust(deps).catch((error: unknown) => refuseUnjudged(error, { name, observed }, deps));
  if (trust === undefined) throw problem("unauthenticated", "no workspace");
  const result = await deps
    .sessions(trust.workspace)
    .authenticate(observed, allowanceFor(name, { trust, rates: deps.rates }));
  if (!result.ok) {
    if (result.why === "rate") throw overRate(result.standings);
    if (WITH_COOKIE.has(result.why)) await deps.countRefusal(trust.workspace, { code: `request_${result.why}` });
    throw problem("unauthenticated", result.why);
  }
  requireSameOrigin(arrival, [result.record.origin]);
  if (!isBorne(trust, result.record, edgeSeconds())) throw problem("unauthenticated", "trust");
  return { operator: operatorOf(result.record, trust), standings: result.standings };
}

function overRate(standings: readonly Standing[]): ProblemError {
  return limitedProblem("too_many", {
    standings,
    waitSeconds: Math.max(...standings.map(({ waitSeconds }) => waitSeconds)),
  });
}

/** Without a sound trust log nobody is let in. Whoever proves an open session is told why; strangers are strangers. */
async function refuseUnjudged(
  error: unknown,
  { name, observed }: { readonly name: EndpointName; readonly observed: ObservedRequest },
  deps: Deps,
): Promise<never> {
  if (!(error instanceof TrustLogDamaged)) throw error;
  const workspace = await currentWorkspace(deps);
  if (workspace === undefined) throw problem("unauthenticated", "no workspace");
  const allowance = allowanceFor(name, { trust: undefined, rates: deps.rates });
  const result = await deps.sessions(workspace).authenticate(observed, allowance);
  if (!result.ok && result.why === "rate") throw overRate(result.standings);
  throw result.ok ? problem("trust_damaged", error.message) : problem("unauthenticated", result.why);
}

/** The ticket is the proof: got by a signed request a moment ago, for one host, good once. */
export async function authenticateTicket(
  { ticket, host }: { readonly ticket: string; readonly host: string },
  arrival: Arrival,
  deps: Deps,
): Promise<Operator> {
  const trust = await currentTrust(deps);
  if (trust === undefined) throw problem("unauthenticated", "no workspace");
  const record = await deps.sessions(trust.workspace).redeemTicket(ticket, host);
  if (record === undefined) throw problem("unauthenticated", "ticket");
  // Browsers send Origin with every WebSocket handshake and no Sec-Fetch-Site: it must be exactly the session's.
  if (arrival.origin !== record.origin) throw problem("origin", "socket");
  if (!isBorne(trust, record, edgeSeconds())) throw problem("unauthenticated", "trust");
  return operatorOf(record, trust);
}

/**
 * Opens a session whose certificate has been verified: recorded first, then created, then the cookie. How long it may
 * last and rest follows from the shortest of its person's roles.
 */
import { edgeSeconds, randomNonce } from "../durable-objects/clock.ts";
import { endedByEdge } from "../durable-objects/sessions.ts";
import { hashCookie } from "../durable-objects/session-table.ts";
import { fromBase64url, toBase64url } from "../protocol/bytes.ts";
import type { Me } from "../protocol/contracts.ts";
import { assertedCodec, type Asserted, type Session } from "../protocol/messages.ts";
import { SESSION_IDLE_SECONDS } from "../protocol/limits.ts";
import { digestOf } from "../protocol/signing.ts";
import { sessionLimit, type TrustState } from "../protocol/trust/state.ts";
import { findName } from "./db/statements.ts";
import type { Deps } from "./deps.ts";
import { closeSockets } from "./end-sessions.ts";
import { sessionCookie, type Arrival } from "./http/arrival.ts";

export interface VerifiedSignIn {
  readonly certificate: Asserted;
  /** Decoded from the certificate's body. */
  readonly session: Session;
  readonly person: string;
  readonly trust: TrustState;
  readonly arrival: Pick<Arrival, "sourceIp" | "device">;
}

/** A session rests at most an eighth of what its roles let it last: a quarter of an hour of two hours, and never more. */
const IDLE_SHARE = 8;
/** The idle clock is a minute coarse: below two, a busy page would end. */
const MIN_IDLE_SECONDS = 120;

export function idleSecondsOf(limitSeconds: number): number {
  return Math.min(SESSION_IDLE_SECONDS, Math.max(MIN_IDLE_SECONDS, Math.floor(limitSeconds / IDLE_SHARE)));
}

export async function openSession(
  signIn: VerifiedSignIn,
  deps: Deps,
): Promise<{ readonly body: Me; readonly setCookie: string }> {
  const { certificate, session, person, trust, arrival } = signIn;
  const { sourceIp, device } = arrival;
  const { workspace } = trust;
  const digest = digestOf("session", fromBase64url(certificate.body));
  const append = deps.ledger(workspace);
  const { index: ledgerIndex } = await append({
    actor: { kind: "person", id: person },
    action: "session.started",
    detail: { session: digest },
    subject: digest,
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  const cookie = randomNonce();
  const record = {
    session: digest,
    person,
    credential: certificate.assertion.credentialId,
    sessionKey: session.sessionKey,
    origin: session.origin,
    certificate: toBase64url(assertedCodec.encode(certificate)),
    device,
    ledgerIndex,
    idleSeconds: idleSecondsOf(sessionLimit(trust, person, edgeSeconds())),
    expires: session.exp,
  };
  const ended = await deps.sessions(workspace).create({ workspace, record, cookieHash: hashCookie(cookie) });
  for (const oldest of ended) await append(endedByEdge(oldest, person));
  await closeSockets(workspace, ended, deps);
  const body = await describeMe({ workspace, person, session: digest, expires: session.exp }, deps);
  return { body, setCookie: sessionCookie(cookie, session.exp - edgeSeconds()) };
}

export async function describeMe(
  who: { readonly workspace: string; readonly person: string; readonly session: string; readonly expires: number },
  deps: Deps,
): Promise<Me> {
  const { workspace, person, session, expires } = who;
  const name = await findName(deps.db, workspace, person);
  return { workspace, person, ...(name === undefined ? {} : { name }), session, expires, now: edgeSeconds() };
}

/**
 * Opens a session whose certificate has been verified: recorded first, then created, then the cookie. How long it may
 * last and rest follows from the shortest of its own person's roles.
 */
import { edgeSeconds, randomNonce } from "../durable-objects/clock.ts";
import { endedByEdge } from "../durable-objects/sessions.ts";
import { hashCookie } from "../durable-objects/session-table.ts";
import { fromBase64url, toBase64url } from "../protocol/bytes.ts";
import type { Me } from "../protocol/contracts.ts";
import { assertedCodec, type Asserted, type Session } from "../protocol/messages.ts";
import { digestOf } from "../protocol/signing.ts";
import type { TrustState } from "../protocol/trust/state.ts";
import { findName } from "./db/statements.ts";
import type { Deps } from "./deps.ts";
import { closeSockets } from "./end-sessions.ts";
import { sessionCookie, whereFrom, type Arrival } from "./http/arrival.ts";
import { termOf } from "./session-term.ts";

export interface VerifiedSignIn {
  readonly certificate: Asserted;
  /** Decoded from the certificate's body. */
  readonly session: Session;
  readonly person: string;
  readonly trust: TrustState;
  readonly arrival: Pick<Arrival, "sourceIp" | "country" | "device">;
}

export async function openSession(
  signIn: VerifiedSignIn,
  deps: Deps,
): Promise<{ readonly body: Me; readonly setCookie: string }> {
  const { certificate, session, person, trust, arrival } = signIn;
  const { workspace } = trust;
  const digest = digestOf("session", fromBase64url(certificate.body));
  const append = deps.ledger(workspace);
  const { index: ledgerIndex } = await append({
    actor: { kind: "person", id: person },
    action: "session.started",
    detail: { session: digest },
    subject: digest,
    ...whereFrom(arrival),
  });
  const cookie = randomNonce();
  const now = edgeSeconds();
  const { limitSeconds, idleSeconds, rolesEnd } = termOf(trust, person, now);
  const record = {
    session: digest,
    person,
    credential: certificate.assertion.credentialId,
    sessionKey: session.sessionKey,
    origin: session.origin,
    certificate: toBase64url(assertedCodec.encode(certificate)),
    device: arrival.device,
    ledgerIndex,
    idleSeconds,
    // `iat` is the page's word within some minutes: a session dated ahead ends no later for it.
    expires: Math.min(session.exp, now + limitSeconds),
  };
  const ended = await deps.sessions(workspace).create({ workspace, record, cookieHash: hashCookie(cookie), rolesEnd });
  for (const oldest of ended) await append(endedByEdge(oldest, person));
  await closeSockets(workspace, ended, deps);
  const expires = Math.min(record.expires, rolesEnd ?? record.expires);
  const body = await describeMe({ workspace, person, session: digest, expires }, deps);
  return { body, setCookie: sessionCookie(cookie, expires - now) };
}

export async function describeMe(
  who: { readonly workspace: string; readonly person: string; readonly session: string; readonly expires: number },
  deps: Deps,
): Promise<Me> {
  const { workspace, person, session, expires } = who;
  const name = await findName(deps.db, workspace, person);
  return { workspace, person, ...(name === undefined ? {} : { name }), session, expires, now: edgeSeconds() };
}

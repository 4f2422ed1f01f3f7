/** Opens a session whose certificate has been verified: recorded first, then created, then the cookie. */
import { edgeSeconds, randomNonce } from "../durable-objects/clock.ts";
import { hashCookie } from "../durable-objects/session-table.ts";
import { fromBase64url, toBase64url } from "../protocol/bytes.ts";
import type { Me } from "../protocol/contracts.ts";
import { assertedCodec, type Asserted, type Session } from "../protocol/messages.ts";
import { digestOf } from "../protocol/signing.ts";
import type { TrustState } from "../protocol/trust/state.ts";
import { findName } from "./db/statements.ts";
import type { Deps } from "./deps.ts";
import { sessionCookie } from "./http/arrival.ts";

export interface VerifiedSignIn {
  readonly certificate: Asserted;
  /** Decoded from the certificate's body. */
  readonly session: Session;
  readonly person: string;
  readonly trust: TrustState;
  readonly sourceIp: string | undefined;
}

export async function openSession(
  signIn: VerifiedSignIn,
  deps: Deps,
): Promise<{ readonly body: Me; readonly setCookie: string }> {
  const { certificate, session, person, trust, sourceIp } = signIn;
  const { workspace } = trust;
  const digest = digestOf("session", fromBase64url(certificate.body));
  const append = deps.ledger(workspace);
  await append({
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
    sessionKey: session.sessionKey,
    origin: session.origin,
    certificate: toBase64url(assertedCodec.encode(certificate)),
    expires: session.exp,
  };
  const ended = await deps.sessions(workspace).create({ record, cookieHash: hashCookie(cookie) });
  for (const oldest of ended) {
    await append({
      actor: { kind: "edge" },
      action: "session.ended",
      target: person,
      detail: { session: oldest },
      subject: oldest,
    });
  }
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

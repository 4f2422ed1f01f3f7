/**
 * Who signed a message: a person's certified session, or an automation key. Layer 3 of the host's verification; what
 * they may do is asked elsewhere.
 */
import { fromBase64url } from "../bytes.ts";
import { SESSION_SKEW_SECONDS } from "../limits.ts";
import { approvalCodec, sessionCodec, type Actor, type Asserted, type Session } from "../messages.ts";
import { digestOf, verifySignature, type Digest, type MessageKind } from "../signing.ts";
import { verifyTouch } from "../trust/approvals.ts";
import { sessionLimit, type TrustState } from "../trust/state.ts";
import type { AutomationKey } from "../trust/statements.ts";
import { decodeAs, Refused } from "./refused.ts";

export interface AuthorView {
  readonly trust: TrustState;
  /** Seconds, of whoever judges. */
  readonly now: number;
  /**
   * Ended early, by its person or an administrator. The bytes of a sign-in name no person: somebody else's passkey can
   * sign them too, and is another session.
   */
  isSessionEnded(session: Digest, person: string): boolean;
}

export interface SessionAuthor {
  readonly kind: "session";
  readonly person: string;
  readonly session: Digest;
}
export interface AutomationAuthor {
  readonly kind: "automation";
  readonly key: AutomationKey;
}
export type Author = SessionAuthor | AutomationAuthor;

/** A body and what is said to make it somebody's. */
export interface AuthoredMessage {
  readonly kind: MessageKind;
  readonly body: Uint8Array;
  readonly signature: string;
  readonly actor: Actor;
  readonly session?: Asserted | undefined;
  readonly successor?: Asserted | undefined;
}

export async function judgeAuthor(message: AuthoredMessage, view: AuthorView): Promise<Author> {
  return "session" in message.actor
    ? judgeSession(message, message.actor.session, view)
    : judgeAutomationKey(message, message.actor.automationKey, view);
}

async function judgeAutomationKey(message: AuthoredMessage, id: string, view: AuthorView): Promise<AutomationAuthor> {
  if (message.session !== undefined || message.successor !== undefined) throw new Refused("approval_extra");
  const key = view.trust.automationKeys.get(id);
  if (key === undefined || view.now > key.until) throw new Refused("automation_key");
  const { kind, body, signature } = message;
  if (!(await verifySignature({ kind, body, signature, publicKey: key.publicKey })))
    throw new Refused("automation_key");
  return { kind: "automation", key };
}

async function judgeSession(message: AuthoredMessage, named: Digest, view: AuthorView): Promise<SessionAuthor> {
  if (message.session === undefined) throw new Refused("session_malformed");
  const session = await judgeCertificate(message.session, named, view);
  const publicKey =
    message.successor === undefined ? session.sessionKey : await judgeSuccessor(message.successor, session, view);
  const { kind, body, signature } = message;
  if (!(await verifySignature({ kind, body, signature, publicKey }))) throw new Refused("session_key");
  return { kind: "session", person: session.person, session: session.digest };
}

export interface CertifiedSession extends Session {
  readonly person: string;
  readonly digest: Digest;
}

/** The sign-in behind a session key: valid now, made by a pinned passkey, and the one that `named` names. */
export async function judgeCertificate(asserted: Asserted, named: Digest, view: AuthorView): Promise<CertifiedSession> {
  const bytes = fromBase64url(asserted.body);
  const session = decodeAs("session_malformed", () => sessionCodec.decode(bytes));
  if (session.workspace !== view.trust.workspace) throw new Refused("session_workspace");
  const verdict = await verifyTouch(view.trust, asserted, "session");
  if (!verdict.ok) throw new Refused(`session.${verdict.rule}`);
  if (verdict.origin.origin !== session.origin) throw new Refused("session.origin");
  const person = view.trust.credentials.get(asserted.assertion.credentialId)?.person ?? "";
  judgeLifetime(session, sessionLimit(view.trust, person, view.now), view.now);
  const digest = digestOf("session", bytes);
  if (view.isSessionEnded(digest, person)) throw new Refused("session_revoked");
  if (digest !== named) throw new Refused("session_key");
  return { ...session, person, digest };
}

/** Certificates carry edge time; both ends are judged with the same tolerance. */
function judgeLifetime(session: Session, limitSeconds: number, now: number): void {
  const tooLong = session.exp - session.iat > limitSeconds || session.exp <= session.iat;
  const notYet = session.iat > now + SESSION_SKEW_SECONDS;
  const over = now > session.exp + SESSION_SKEW_SECONDS;
  if (tooLong || notYet || over) throw new Refused("session_lifetime");
}

/** The key that a step-up of the same person, for this very session, named. */
export async function judgeSuccessor(
  asserted: Asserted,
  session: CertifiedSession,
  { trust }: AuthorView,
): Promise<string> {
  const approval = decodeAs("session_key", () => approvalCodec.decode(fromBase64url(asserted.body)));
  if (approval.kind !== "intent" || approval.workspace !== trust.workspace) throw new Refused("session_key");
  const next = approval.nextSessionKey;
  if (next === undefined || next.session !== session.digest) throw new Refused("session_key");
  const verdict = await verifyTouch(trust, asserted, "approval");
  const person = trust.credentials.get(asserted.assertion.credentialId)?.person;
  if (!verdict.ok || person !== session.person) throw new Refused("session_key");
  // A touch on a page of the edge must not hand on the session of the same person's signer.
  if (verdict.origin.origin !== session.origin) throw new Refused("session_key");
  return next.key;
}

/**
 * Signing in. Two verifications must both accept: SimpleWebAuthn's and the protocol's own, which hosts run too. Why a
 * sign-in was refused goes to the ledger and the log; the caller learns only that it was, until a passkey is proven: then
 * its person is told how long their roles let a session last.
 */
import { edgeSeconds, randomNonce } from "../../durable-objects/clock.ts";
import { logStep } from "../../durable-objects/log.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { TrustHead } from "../../protocol/fields.ts";
import { ADMIN_SESSION_SECONDS, NONCE_SECONDS, REQUEST_SKEW_SECONDS } from "../../protocol/limits.ts";
import { sessionCodec, type Asserted, type Session } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import { verifyTouch } from "../../protocol/trust/approvals.ts";
import { chainAt, NO_REVOCATIONS, sessionLimit, type TrustState } from "../../protocol/trust/state.ts";
import { requireSameOrigin } from "../access/same-origin.ts";
import { saveNonce, takeNonce } from "../db/nonces.ts";
import { findPasskey, setCounter } from "../db/passkeys.ts";
import type { Deps } from "../deps.ts";
import { whereFrom, type Arrival } from "../http/arrival.ts";
import { problem, sessionLongProblem } from "../http/problems.ts";
import type { Handler } from "../mount.ts";
import { openSession } from "../open-session.ts";
import { PasskeyRefused, verifyAuthentication } from "../passkeys.ts";
import { requireTrust } from "../workspace.ts";

/**
 * Whoever asks has shown nothing yet. The answer says the workspace's id, which every page, host and join file carries and
 * which is a digest of random keys; the rest is the same whatever the log says, so that nobody learns by asking how many
 * statements there are, when one is added, whether somebody was revoked, or what roles anybody has.
 */
export const signInNonce: Handler<"signInNonce"> = async ({ arrival, body, deps }) => {
  const trust = await requireTrust(deps);
  requireListedOrigin(arrival, trust);
  const nonce = randomNonce();
  const now = edgeSeconds();
  await saveNonce(deps.db, { nonce, workspace: trust.workspace, purpose: "sign-in", expires: now + NONCE_SECONDS });
  const { workspace } = trust;
  return { body: { nonce, workspace, trustHead: headFor(body.known, trust), now, lifetime: ADMIN_SESSION_SECONDS } };
};

/**
 * A hash of a later place can only be known to somebody who was let in once, or to a host: such a page is told the newest
 * head, so that it can warn before the touch that this edge fell behind.
 */
function headFor(known: TrustHead | undefined, trust: TrustState): TrustHead {
  const isInsider = known !== undefined && known.n > 0 && isOfLog(known, trust);
  return isInsider ? trust.head : { n: 0, hash: trust.workspace, revoked: NO_REVOCATIONS };
}

/** An earlier place will do: what a page knew is what it signs. */
function isOfLog({ n, hash }: TrustHead, { chain }: TrustState): boolean {
  return chainAt(chain, n)?.hash === hash;
}

export const signIn: Handler<"signIn"> = async ({ arrival, body, deps, later }) => {
  const trust = await requireTrust(deps);
  requireListedOrigin(arrival, trust);
  const verdict = await judgeSignIn(body.session, { arrival, trust, deps });
  if (typeof verdict === "string") {
    later(deps.countRefusal(trust.workspace, { code: verdict }));
    await recordRefusal(verdict, { arrival, trust, deps });
    throw problem("sign_in_refused", verdict);
  }
  const { session, person } = verdict;
  const limit = sessionLimit(trust, person, edgeSeconds());
  if (session.exp - session.iat > limit) {
    await recordRefusal("session_lifetime", { arrival, trust, deps });
    throw limit === 0 ? problem("no_role") : sessionLongProblem(limit);
  }
  return openSession({ certificate: body.session, session, person, trust, arrival }, deps);
};

/** Some each hour, from wherever they come: a stranger must not write the log at will. The rest is counted all the same. */
async function recordRefusal(code: string, { arrival, trust, deps }: SignInContext): Promise<void> {
  if (!(await deps.limits(trust.workspace).takeEntry(trust.workspace))) return;
  await deps.ledger(trust.workspace)({
    actor: { kind: "unknown" },
    action: "session.refused",
    detail: { code },
    ...whereFrom(arrival),
  });
}

/**
 * Says to a page that is not listed that it is not, so that nobody touches in vain. Whoever guesses an address in that
 * header learns only that this one is listed: it is the one they would open.
 */
function requireListedOrigin(arrival: Arrival, trust: TrustState): void {
  requireSameOrigin(
    arrival,
    trust.origins.map(({ origin }) => origin),
  );
}

interface SignInContext {
  readonly arrival: Arrival;
  readonly trust: TrustState;
  readonly deps: Deps;
}

/** The session and whose it is by its touch, or the code of the first rule that failed. Not yet whether they may. */
async function judgeSignIn(
  certificate: Asserted,
  { arrival, trust, deps }: SignInContext,
): Promise<{ readonly session: Session; readonly person: string } | string> {
  const session = decodeSession(certificate);
  if (session === undefined) return "session_malformed";
  const nonce = await takeNonce(deps.db, { nonce: session.nonce, purpose: "sign-in" });
  if (nonce === undefined) return "nonce";
  if (session.workspace !== trust.workspace) return "session_workspace";
  if (!isOfLog(session.trustHead, trust)) return "trust_behind";
  if (session.origin !== arrival.origin) return "session.origin";
  const credential = trust.credentials.get(certificate.assertion.credentialId);
  if (credential === undefined) return "session.credential";
  if (Math.abs(edgeSeconds() - session.iat) > REQUEST_SKEW_SECONDS + NONCE_SECONDS) return "clock";
  if (session.exp <= session.iat) return "session_lifetime";
  const verdict = await verifyTouch(trust, certificate, "session");
  if (!verdict.ok) return `session.${verdict.rule}`;
  if (verdict.origin.origin !== session.origin) return "session.origin";
  const second = await judgeByLibrary(certificate, { rpId: credential.rpId, origin: session.origin }, deps);
  return second ?? { session, person: credential.person };
}

async function judgeByLibrary(
  { body, assertion }: Asserted,
  { rpId, origin }: { readonly rpId: string; readonly origin: string },
  deps: Deps,
): Promise<string | undefined> {
  const passkey = await findPasskey(deps.db, assertion.credentialId);
  if (passkey === undefined) return "passkey_unregistered";
  const challenge = digestOf("session", fromBase64url(body));
  const transports = JSON.parse(passkey.transports) as string[]; // our own row
  try {
    const counter = await verifyAuthentication({ assertion, challenge, origin, rpId, cose: passkey.cose, transports });
    // A copied authenticator would show here. Synced passkeys stay at 0, so this alarms and never refuses.
    if (counter < passkey.counter || (counter === passkey.counter && counter > 0))
      logStep("counter-regressed", { counter, known: passkey.counter });
    if (counter > passkey.counter) await setCounter(deps.db, assertion.credentialId, counter);
    return undefined;
  } catch (error) {
    if (error instanceof PasskeyRefused) return "passkey_library";
    throw error;
  }
}

function decodeSession(certificate: Asserted): Session | undefined {
  try {
    return sessionCodec.decode(fromBase64url(certificate.body));
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

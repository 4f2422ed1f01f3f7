/**
 * Signing in. Two verifications must both accept: SimpleWebAuthn's and the protocol's own, which hosts run too. Why a
 * sign-in was refused goes to the ledger and the log; the caller learns only that it was.
 */
import { edgeSeconds, randomNonce } from "../../durable-objects/clock.ts";
import { logStep } from "../../durable-objects/log.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { NONCE_SECONDS, REQUEST_SKEW_SECONDS } from "../../protocol/limits.ts";
import { sessionCodec, type Asserted, type Session } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import { verifyTouch } from "../../protocol/trust/approvals.ts";
import { sameHead, sessionLimit, type TrustState } from "../../protocol/trust/state.ts";
import { requireSameOrigin } from "../access/same-origin.ts";
import { saveNonce, takeNonce } from "../db/nonces.ts";
import { findPasskey, setCounter } from "../db/passkeys.ts";
import type { Deps } from "../deps.ts";
import type { Arrival } from "../http/arrival.ts";
import { problem } from "../http/problems.ts";
import type { Handler } from "../mount.ts";
import { openSession } from "../open-session.ts";
import { PasskeyRefused, verifyAuthentication } from "../passkeys.ts";
import { requireTrust } from "../workspace.ts";

export const signInNonce: Handler<"signInNonce"> = async ({ arrival, deps }) => {
  const trust = await requireTrust(deps);
  requireListedOrigin(arrival, trust);
  const nonce = randomNonce();
  const now = edgeSeconds();
  await saveNonce(deps.db, { nonce, workspace: trust.workspace, purpose: "sign-in", expires: now + NONCE_SECONDS });
  return { body: { nonce, workspace: trust.workspace, trustHead: trust.head, now, lifetime: shortestLimit(trust) } };
};

/** Who will sign in is not known yet: the shortest limit of anybody's is good for everybody. */
function shortestLimit(trust: TrustState): number {
  const limits = [...trust.people.keys()]
    .map((person) => sessionLimit(trust, person, edgeSeconds()))
    .filter((limit) => limit > 0);
  return Math.min(...limits);
}

export const signIn: Handler<"signIn"> = async ({ arrival, body, deps, later }) => {
  const trust = await requireTrust(deps);
  requireListedOrigin(arrival, trust);
  const verdict = await judgeSignIn(body.session, { arrival, trust, deps });
  const { sourceIp } = arrival;
  if (typeof verdict === "string") {
    later(deps.countRefusal(trust.workspace, { code: verdict }));
    await deps.ledger(trust.workspace)({
      actor: { kind: "unknown" },
      action: "session.refused",
      detail: { code: verdict },
      ...(sourceIp === undefined ? {} : { sourceIp }),
    });
    throw problem("sign_in_refused", verdict);
  }
  return openSession({ certificate: body.session, ...verdict, trust, arrival }, deps);
};

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

/** The session and whose it is, or the code of the first rule that failed. */
async function judgeSignIn(
  certificate: Asserted,
  { arrival, trust, deps }: SignInContext,
): Promise<{ readonly session: Session; readonly person: string } | string> {
  const session = decodeSession(certificate);
  if (session === undefined) return "session_malformed";
  const nonce = await takeNonce(deps.db, { nonce: session.nonce, purpose: "sign-in" });
  if (nonce === undefined) return "nonce";
  if (session.workspace !== trust.workspace) return "session_workspace";
  if (!sameHead(session.trustHead, trust.head)) return "trust_behind";
  if (session.origin !== arrival.origin) return "session.origin";
  const credential = trust.credentials.get(certificate.assertion.credentialId);
  if (credential === undefined) return "session.credential";
  if (Math.abs(edgeSeconds() - session.iat) > REQUEST_SKEW_SECONDS + NONCE_SECONDS) return "clock";
  const lifetime = session.exp - session.iat;
  if (lifetime <= 0 || lifetime > sessionLimit(trust, credential.person, edgeSeconds())) return "session_lifetime";
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

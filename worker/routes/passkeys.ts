/** Registering a further passkey, in a session. It counts only once a statement, approved by a touch, adds it. */
import { edgeSeconds, randomNonce } from "../../durable-objects/clock.ts";
import { NONCE_SECONDS } from "../../protocol/limits.ts";
import type { Operator } from "../access/operator.ts";
import { recordRefused } from "../access/refused-approval.ts";
import { saveNonce } from "../db/nonces.ts";
import { findName } from "../db/statements.ts";
import { problem, ProblemError } from "../http/problems.ts";
import type { Handler } from "../mount.ts";
import { registrationOptions } from "../passkeys.ts";
import { registerPasskey } from "../register.ts";

export const passkeyOptions: Handler<"passkeyOptions"> = async ({ authority, deps }) => {
  const { workspace, person, session, trust } = authority;
  const challenge = randomNonce();
  await saveNonce(deps.db, {
    nonce: challenge,
    workspace,
    purpose: "registration",
    ceremony: session,
    expires: edgeSeconds() + NONCE_SECONDS,
  });
  const held = [...trust.credentials.values()].filter((credential) => credential.person === person);
  const name = (await findName(deps.db, workspace, person))?.value ?? person;
  const exclude = held.map(({ credentialId }) => credentialId);
  return { body: { options: await registrationOptions({ rpId: rpIdOf(authority), name, challenge, exclude }) } };
};

export const passkey: Handler<"passkey"> = async ({ authority, arrival, body, deps }) => {
  const { workspace, person, session, origin } = authority;
  const made = {
    response: body.response,
    ceremony: session,
    origin,
    rpId: rpIdOf(authority),
    owner: { workspace, person, session },
  };
  try {
    return { body: await registerPasskey(made, deps) };
  } catch (error) {
    if (error instanceof ProblemError)
      await recordRefused(authority, { code: error.code, endpoint: "passkey", target: person }, { arrival, deps });
    throw error;
  }
};

/** A passkey belongs to the site it is made on: the one this session was certified for. */
function rpIdOf({ trust, origin }: Operator): string {
  const listed = trust.origins.find((candidate) => candidate.origin === origin);
  if (listed === undefined) throw problem("origin", "unlisted");
  return listed.rpId;
}

/** Takes a newly made passkey: verified, recorded in the ledger where there is one, and kept until a statement adds it. */
import { edgeSeconds } from "../durable-objects/clock.ts";
import { utf8Text } from "../protocol/bytes.ts";
import { encodeCanonical } from "../protocol/canonical.ts";
import type { LedgerDraft } from "../protocol/ledger.ts";
import type { CredentialBody } from "../protocol/trust/statements.ts";
import { takeNonce } from "./db/nonces.ts";
import { findPasskey, savePasskey } from "./db/passkeys.ts";
import type { Deps } from "./deps.ts";
import { problem } from "./http/problems.ts";
import { PasskeyRefused, unverifiedChallenge, verifyRegistration, type Registration } from "./passkeys.ts";

export interface NewPasskey {
  /** The browser's JSON. */
  readonly response: string;
  /** Setup key or session that the challenge was handed to. */
  readonly ceremony: string;
  readonly origin: string;
  readonly rpId: string;
  /** Whose it is, where there is a workspace already. */
  readonly owner?: { readonly workspace: string; readonly person: string; readonly session: string };
}

/** @throws {ProblemError} */
export async function registerPasskey(made: NewPasskey, deps: Deps): Promise<CredentialBody> {
  const registration = await judge(made, deps);
  const { credential } = registration;
  if ((await findPasskey(deps.db, credential.credentialId)) !== undefined) throw problem("passkey_exists");
  if (made.owner !== undefined) await deps.ledger(made.owner.workspace)(registered(made.owner));
  const isNew = await savePasskey(deps.db, {
    credentialId: credential.credentialId,
    workspace: made.owner?.workspace ?? null,
    person: made.owner?.person ?? null,
    ceremony: made.ceremony,
    credential: utf8Text(encodeCanonical(credential)),
    cose: registration.cose,
    transports: JSON.stringify(registration.transports),
    counter: registration.counter,
    registeredAt: edgeSeconds(),
  });
  if (!isNew) throw problem("passkey_exists");
  return credential;
}

function registered({ person, session }: NonNullable<NewPasskey["owner"]>): LedgerDraft {
  return { actor: { kind: "person", id: person }, action: "passkey.registered", target: person, detail: { session } };
}

async function judge({ response, ceremony, origin, rpId }: NewPasskey, deps: Deps): Promise<Registration> {
  const challenge = unverifiedChallenge(response);
  if (challenge === undefined) throw problem("passkey_refused", "client data");
  const nonce = await takeNonce(deps.db, { nonce: challenge, purpose: "registration" });
  if (nonce === undefined || nonce.ceremony !== ceremony) throw problem("passkey_refused", "challenge");
  try {
    return await verifyRegistration({ response, challenge, origin, rpId });
  } catch (error) {
    if (error instanceof PasskeyRefused) throw problem("passkey_refused", error.message);
    throw error;
  }
}

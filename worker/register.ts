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
import {
  PasskeyRefused,
  unverifiedChallenge,
  verifyRegistration,
  type Registration,
  type RegistrationCheck,
} from "./passkeys.ts";

export interface NewPasskey {
  /** The browser's JSON. */
  readonly response: string;
  /** Setup key, session or invitation that the challenge was handed to. */
  readonly ceremony: string;
  readonly origin: string;
  readonly rpId: string;
  /** Whose it is, where there is a workspace already. */
  readonly owner?: { readonly workspace: string; readonly person: string; readonly session: string };
}

/** @throws {ProblemError} */
export async function registerPasskey(made: NewPasskey, deps: Deps): Promise<CredentialBody> {
  const registration = await judgeRegistration(made, deps);
  const { owner, ceremony } = made;
  if (owner !== undefined) await deps.ledger(owner.workspace)(registered(owner));
  const whose = owner === undefined ? {} : { workspace: owner.workspace, person: owner.person };
  if (!(await keepPasskey(registration, { ceremony, ...whose }, deps))) throw problem("passkey_exists");
  return registration.credential;
}

export interface PasskeyOwner {
  readonly ceremony: string;
  readonly workspace?: string;
  readonly person?: string;
}

/** False when another passkey has this id. */
export function keepPasskey(
  { credential, cose, transports, counter }: Registration,
  { ceremony, workspace, person }: PasskeyOwner,
  deps: Deps,
): Promise<boolean> {
  return savePasskey(deps.db, {
    credentialId: credential.credentialId,
    workspace: workspace ?? null,
    person: person ?? null,
    ceremony,
    credential: utf8Text(encodeCanonical(credential)),
    cose,
    transports: JSON.stringify(transports),
    counter,
    registeredAt: edgeSeconds(),
  });
}

function registered({ person, session }: NonNullable<NewPasskey["owner"]>): LedgerDraft {
  return { actor: { kind: "person", id: person }, action: "passkey.registered", target: person, detail: { session } };
}

/** Spends the challenge that it answers. @throws {ProblemError} */
export async function judgeRegistration(
  { response, ceremony, origin, rpId }: Omit<NewPasskey, "owner">,
  deps: Deps,
): Promise<Registration> {
  const challenge = unverifiedChallenge(response);
  if (challenge === undefined) throw problem("passkey_refused", "client data");
  const nonce = await takeNonce(deps.db, { nonce: challenge, purpose: "registration" });
  if (nonce === undefined || nonce.ceremony !== ceremony) throw problem("passkey_refused", "challenge");
  const registration = await verified({ response, challenge, origin, rpId });
  if ((await findPasskey(deps.db, registration.credential.credentialId)) !== undefined) throw problem("passkey_exists");
  return registration;
}

async function verified(check: RegistrationCheck): Promise<Registration> {
  try {
    return await verifyRegistration(check);
  } catch (error) {
    if (error instanceof PasskeyRefused) throw problem("passkey_refused", error.message);
    throw error;
  }
}

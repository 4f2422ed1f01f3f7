/**
 * The browser's authenticator: make a passkey, ask for an assertion. What is enrolled is read from the browser's own
 * answer, never from what the edge says it saw.
 */
import type { PublicKeyCredentialCreationOptionsJSON } from "@simplewebauthn/browser";
import { equalBytes, fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import type { Asserted, Assertion } from "../../protocol/messages.ts";
import { digestBytes } from "../../protocol/signing.ts";
import type { CredentialBody } from "../../protocol/trust/statements.ts";
import { arrived } from "./late.ts";
import { TroubleError } from "./trouble.ts";

const ALGORITHMS: Readonly<Record<number, CredentialBody["alg"]>> = { [-7]: "ES256", [-257]: "RS256", [-8]: "Ed25519" };
const BACKUP_ELIGIBLE = 0x08;
const FLAGS_OFFSET = 32;
const ED25519_SPKI_BYTES = 44;

export interface NewPasskey {
  /** As the trust log will pin it. */
  readonly credential: CredentialBody;
  /** The browser's whole answer, for the edge's SimpleWebAuthn door. */
  readonly response: string;
}

/** Opens the authenticator to create a passkey. `optionsJson` comes from the edge; the rpId must be this page's. */
export async function createPasskey(optionsJson: string): Promise<NewPasskey> {
  const options = JSON.parse(optionsJson) as PublicKeyCredentialCreationOptionsJSON;
  if (options.rp.id !== location.hostname) throw foreign("the site name is not this page's");
  // A passkey is made a few times in a person's life.
  const { startRegistration } = await arrived(import("@simplewebauthn/browser"));
  const response = await startRegistration({ optionsJSON: options });
  const { publicKey, publicKeyAlgorithm, authenticatorData } = response.response;
  const alg = publicKeyAlgorithm === undefined ? undefined : ALGORITHMS[publicKeyAlgorithm];
  if (publicKey === undefined || authenticatorData === undefined || alg === undefined) {
    throw foreign("the authenticator uses a kind of key that hosts do not accept");
  }
  const flags = fromBase64url(authenticatorData)[FLAGS_OFFSET] ?? 0;
  const credential: CredentialBody = {
    credentialId: response.id,
    publicKey: pinnedKey(alg, fromBase64url(publicKey)),
    alg,
    rpId: location.hostname,
    backupEligible: (flags & BACKUP_ELIGIBLE) !== 0,
  };
  return { credential, response: JSON.stringify(response) };
}

/** Ed25519 keys are pinned raw: the last 32 bytes of their fixed-size SPKI. */
function pinnedKey(alg: CredentialBody["alg"], spki: Uint8Array): string {
  if (alg !== "Ed25519") return toBase64url(spki);
  if (spki.length !== ED25519_SPKI_BYTES) throw foreign("the key is not a plain Ed25519 key");
  return toBase64url(spki.subarray(-32));
}

function foreign(why: string): TroubleError {
  return new TroubleError({
    code: "passkey_foreign",
    what: "This passkey cannot be used here.",
    why: `${why[0]?.toUpperCase() ?? ""}${why.slice(1)}.`,
    next: "Try another authenticator.",
  });
}

/** True when the edge recorded exactly the credential that this browser made. */
export function sameCredential(a: CredentialBody, b: CredentialBody): boolean {
  return (
    a.credentialId === b.credentialId &&
    a.alg === b.alg &&
    a.rpId === b.rpId &&
    a.backupEligible === b.backupEligible &&
    equalBytes(fromBase64url(a.publicKey), fromBase64url(b.publicKey))
  );
}

export interface TouchRequest {
  readonly kind: "session" | "approval";
  readonly body: Uint8Array<ArrayBuffer>;
  /** Credential ids; empty for a discoverable sign-in. */
  readonly allow: readonly string[];
  readonly signal?: AbortSignal;
}

/** One touch over one body. Rejects with NotAllowedError when the person closes the window. */
export async function touch({ kind, body, allow, signal }: TouchRequest): Promise<Asserted> {
  const credential = await navigator.credentials.get({
    ...(signal === undefined ? {} : { signal }),
    publicKey: {
      challenge: digestBytes(kind, body),
      rpId: location.hostname,
      userVerification: "required",
      timeout: APPROVAL_SECONDS * 1000,
      allowCredentials: allow.map((id) => ({ type: "public-key", id: fromBase64url(id) })),
    },
  });
  if (!(credential instanceof PublicKeyCredential)) throw foreign("the browser returned no passkey");
  const { response } = credential;
  if (!(response instanceof AuthenticatorAssertionResponse)) throw foreign("the browser returned no assertion");
  const assertion: Assertion = {
    credentialId: credential.id,
    clientData: toBase64url(new Uint8Array(response.clientDataJSON)),
    authenticatorData: toBase64url(new Uint8Array(response.authenticatorData)),
    signature: toBase64url(new Uint8Array(response.signature)),
  };
  return { body: toBase64url(body), assertion };
}

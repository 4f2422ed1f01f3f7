/**
 * Verifies a WebAuthn assertion the way a host must: against a pinned credential and the origins of the trust
 * log, with nothing taken from the caller's word. The edge's SimpleWebAuthn check comes in addition, never instead.
 */
import { concatBytes, equalBytes, fromBase64url, toBase64url, utf8 } from "./bytes.ts";
import { parseClientData } from "./client-data.ts";
import { ecdsaDerToRaw } from "./der.ts";
import { isAcceptableSignature } from "./ed25519.ts";
import { AUTHENTICATOR_DATA_BYTES } from "./limits.ts";
import type { Assertion } from "./messages.ts";
import { importPublicKey, verifyWith, type PublicKeyHandle, type SignatureAlgorithm } from "./platform.ts";
import { isAcceptablePublicKey } from "./public-key.ts";
import type { AssertionRule } from "./refusals.ts";
import { sha256Of } from "./signing.ts";

/** What enrolment pinned. `publicKey`: base64url, SPKI DER for ES256 and RS256, raw 32 bytes for Ed25519. */
export interface PinnedCredential {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly alg: SignatureAlgorithm;
  readonly rpId: string;
  readonly backupEligible: boolean;
}

/** `signer`: served by the person's own machine. `daily`: served by the edge. */
export type OriginClass = "signer" | "daily";
export interface ListedOrigin {
  readonly origin: string;
  readonly rpId: string;
  readonly class: OriginClass;
}

export interface AssertionContext {
  readonly assertion: Assertion;
  /** The digest that the authenticator had to sign, 32 bytes. */
  readonly challenge: Uint8Array;
  readonly credential: PinnedCredential;
  readonly origins: readonly ListedOrigin[];
}

export type AssertionVerdict =
  | { readonly ok: true; readonly origin: ListedOrigin; readonly counter: number }
  | { readonly ok: false; readonly rule: AssertionRule };

const FLAG = { userPresent: 0x01, userVerified: 0x04, backupEligible: 0x08, backedUp: 0x10 } as const;
/** Reserved bits, attested data and extensions: a step-up has none. */
const FORBIDDEN_FLAGS = 0xe2;

function refuse(rule: AssertionRule): AssertionVerdict {
  return { ok: false, rule };
}

export async function verifyAssertion(context: AssertionContext): Promise<AssertionVerdict> {
  const { assertion, challenge, credential, origins } = context;
  if (assertion.credentialId !== credential.credentialId) return refuse("credential");
  const clientDataBytes = fromBase64url(assertion.clientData);
  const clientData = parseClientData(clientDataBytes);
  if (clientData === undefined) return refuse("client_data");
  if (clientData.type !== "webauthn.get") return refuse("type");
  if (clientData.challenge !== toBase64url(challenge)) return refuse("challenge");
  const origin = origins.find((listed) => listed.origin === clientData.origin && listed.rpId === credential.rpId);
  if (origin === undefined) return refuse("origin");
  if (clientData.crossOrigin || clientData.hasTopOrigin) return refuse("cross_origin");

  const authenticatorData = fromBase64url(assertion.authenticatorData);
  const rule = judgeAuthenticatorData(authenticatorData, credential);
  if (rule !== undefined) return refuse(rule);

  const message = concatBytes(authenticatorData, sha256Of(clientDataBytes));
  const signature = fromBase64url(assertion.signature);
  if (!(await verifyCredentialSignature(credential, signature, message))) return refuse("signature");
  const counter = new DataView(authenticatorData.buffer).getUint32(33);
  return { ok: true, origin, counter };
}

function judgeAuthenticatorData(data: Uint8Array, credential: PinnedCredential): AssertionRule | undefined {
  if (data.length !== AUTHENTICATOR_DATA_BYTES) return "authenticator_data";
  if (!equalBytes(data.subarray(0, 32), sha256Of(utf8(credential.rpId)))) return "rp_id";
  const flags = data[32] ?? 0;
  if ((flags & FORBIDDEN_FLAGS) !== 0) return "authenticator_data";
  if ((flags & FLAG.userPresent) === 0) return "user_presence";
  if ((flags & FLAG.userVerified) === 0) return "user_verification";
  const backupEligible = (flags & FLAG.backupEligible) !== 0;
  if (backupEligible !== credential.backupEligible) return "backup";
  if ((flags & FLAG.backedUp) !== 0 && !backupEligible) return "backup";
  return undefined;
}

/**
 * What importing made of a pinned key, the dearest part of a check after the check itself. Held by the credential that was
 * pinned, whose bytes never change, and gone with it: a new state of the trust log that keeps a credential keeps the object.
 */
const importedKeys = new WeakMap<PinnedCredential, PublicKeyHandle>();

async function keyOf(credential: PinnedCredential): Promise<PublicKeyHandle | undefined> {
  const held = importedKeys.get(credential);
  if (held !== undefined) return held;
  const { alg: algorithm } = credential;
  const publicKey = fromBase64url(credential.publicKey);
  if (!isAcceptablePublicKey(algorithm, publicKey)) return undefined;
  const key = await importPublicKey({ algorithm, publicKey });
  if (key !== undefined) importedKeys.set(credential, key);
  return key;
}

async function verifyCredentialSignature(
  credential: PinnedCredential,
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const key = await keyOf(credential);
  if (key === undefined) return false;
  switch (credential.alg) {
    case "ES256": {
      const raw = ecdsaDerToRaw(signature);
      return raw !== undefined && verifyWith(key, { algorithm: "ES256", signature: raw, message });
    }
    case "RS256":
      return verifyWith(key, { algorithm: "RS256", signature, message });
    case "Ed25519":
      return isAcceptableSignature(signature) && verifyWith(key, { algorithm: "Ed25519", signature, message });
  }
}

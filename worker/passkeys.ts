/**
 * The one door to SimpleWebAuthn. Its functions can answer `verified: false` beside usable-looking data; these throw
 * for anything but a verified answer. They come in addition to our own rules of an assertion, never instead.
 */
import {
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticatorTransport,
  type RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { fromBase64url, toBase64url } from "../protocol/bytes.ts";
import { parseClientData } from "../protocol/client-data.ts";
import type { Assertion } from "../protocol/messages.ts";
import type { CredentialBody } from "../protocol/trust/statements.ts";
import { pinnedKeyOf } from "./cose.ts";

/** ES256, RS256, Ed25519: what hosts verify. Without -7 and -257 Chromium warns at every registration. */
const ALGORITHMS = [-7, -257, -8];

/** The library, or a rule of ours, did not accept it. The message is for the log. */
export class PasskeyRefused extends Error {
  override readonly name = "PasskeyRefused";
}

export interface RegistrationOffer {
  readonly rpId: string;
  /** Shown by the authenticator. */
  readonly name: string;
  /** base64url; one ceremony's nonce. */
  readonly challenge: string;
  /** Credential ids this person has already. */
  readonly exclude: readonly string[];
}

/** JSON for `navigator.credentials.create`. */
export async function registrationOptions({ rpId, name, challenge, exclude }: RegistrationOffer): Promise<string> {
  const options = await generateRegistrationOptions({
    rpName: "Clawhold",
    rpID: rpId,
    userName: name,
    userDisplayName: name,
    // Random: identity comes from the credential id, and a second passkey must not overwrite the first.
    userID: crypto.getRandomValues(new Uint8Array(32)),
    challenge: fromBase64url(challenge),
    attestationType: "none",
    excludeCredentials: exclude.map((id) => ({ id })),
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    supportedAlgorithmIDs: ALGORITHMS,
  });
  return JSON.stringify(options);
}

/** The challenge that a registration answers, read before anything is verified: it names the ceremony. */
export function unverifiedChallenge(responseJson: string): string | undefined {
  const clientData = clientDataOf(responseJson);
  return clientData?.challenge;
}

export interface Registration {
  readonly credential: CredentialBody;
  /** base64url. */
  readonly cose: string;
  readonly transports: readonly string[];
  readonly counter: number;
}

export interface RegistrationCheck {
  readonly response: string;
  readonly challenge: string;
  readonly origin: string;
  readonly rpId: string;
}

/** @throws {PasskeyRefused} */
export async function verifyRegistration({
  response,
  challenge,
  origin,
  rpId,
}: RegistrationCheck): Promise<Registration> {
  const clientData = clientDataOf(response);
  if (clientData === undefined || clientData.crossOrigin || clientData.hasTopOrigin)
    throw new PasskeyRefused("client data");
  const result = await attempt(() =>
    verifyRegistrationResponse({
      response: JSON.parse(response) as RegistrationResponseJSON, // judged by the library, field by field
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    }),
  );
  if (result.verified !== true) throw new PasskeyRefused("not verified");
  const { credential, credentialDeviceType, userVerified } = result.registrationInfo;
  if (userVerified !== true) throw new PasskeyRefused("user verification");
  const key = await attempt(() => Promise.resolve(pinnedKeyOf(credential.publicKey)));
  if (key === undefined) throw new PasskeyRefused("algorithm");
  return {
    credential: {
      credentialId: credential.id,
      publicKey: toBase64url(key.publicKey),
      alg: key.alg,
      rpId,
      backupEligible: credentialDeviceType === "multiDevice",
    },
    cose: toBase64url(credential.publicKey),
    transports: credential.transports ?? [],
    counter: credential.counter,
  };
}

export interface AuthenticationCheck {
  readonly assertion: Assertion;
  /** base64url digest that the authenticator signed. */
  readonly challenge: string;
  readonly origin: string;
  readonly rpId: string;
  /** base64url. */
  readonly cose: string;
  readonly transports: readonly string[];
}

/** The new counter. @throws {PasskeyRefused} */
export async function verifyAuthentication(check: AuthenticationCheck): Promise<number> {
  const { assertion, challenge, origin, rpId, cose, transports } = check;
  const { credentialId: id, clientData: clientDataJSON, authenticatorData, signature } = assertion;
  const result = await attempt(() =>
    verifyAuthenticationResponse({
      response: {
        id,
        rawId: id,
        type: "public-key",
        response: { clientDataJSON, authenticatorData, signature },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      // Counter 0: synced passkeys do not count, and a counter that went back is reported by us, never refused.
      credential: {
        id,
        publicKey: fromBase64url(cose),
        counter: 0,
        transports: transports as AuthenticatorTransport[],
      },
      requireUserVerification: true,
    }),
  );
  if (result.verified !== true || result.authenticationInfo.userVerified !== true)
    throw new PasskeyRefused("not verified");
  return result.authenticationInfo.newCounter;
}

/** The library throws plain errors of many kinds for malformed input; here they are all one refusal. */
async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new PasskeyRefused(error instanceof Error ? error.message : "thrown", { cause: error });
  }
}

function clientDataOf(responseJson: string): ReturnType<typeof parseClientData> {
  try {
    const value: unknown = JSON.parse(responseJson);
    const response = member(value, "response");
    const text = member(response, "clientDataJSON");
    return typeof text === "string" ? parseClientData(fromBase64url(text)) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

/**
 * What is signed and how it is named: every message kind has one type string, and hashes and signatures cover
 * type and body together (DSSE's pre-authentication encoding), so that no message can be taken for another kind.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, fromBase64url, toBase64url, utf8 } from "./bytes.ts";
import { verifyEd25519 } from "./ed25519.ts";

/** Everything that is ever signed or named by a digest. A new kind is a new line here, never a reused one. */
export const messageKinds = [
  "session",
  "request",
  "prepare",
  "prepared",
  "proposal",
  "intent",
  "approval",
  "dispatch",
  "receipt",
  "statement",
  "root",
  "join",
  "hello",
  "welcome",
  "trust-ack",
  "ledger-entry",
  "commitment",
  "host-words",
  "revocations",
  "session-end",
  "edge-action",
  "invitation-words",
  "automation-key-words",
  "farewell",
  "certificate-request",
  "read",
  "reading",
  "seal",
  "reply",
  "subject",
  "release",
  "advisories",
  "look",
  "looked",
] as const;
export type MessageKind = (typeof messageKinds)[number];

export function typeOf(kind: MessageKind): string {
  return `application/vnd.clawhold.${kind}.v1+json`;
}

/** DSSE PAE: "DSSEv1" SP len(type) SP type SP len(body) SP body; lengths in bytes, decimal. */
export function preAuthenticationEncoding(kind: MessageKind, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const type = typeOf(kind);
  return concatBytes(utf8(`DSSEv1 ${type.length} ${type} ${body.length} `), body);
}

/** SHA-256 over PAE: 32 bytes. */
export function digestBytes(kind: MessageKind, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sha256(preAuthenticationEncoding(kind, body)));
}

/** The name of a message on the wire: base64url of its digest. */
export type Digest = string;

export function digestOf(kind: MessageKind, body: Uint8Array): Digest {
  return toBase64url(digestBytes(kind, body));
}

export function sha256Of(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sha256(bytes));
}

/** A signer holds one private key and signs PAE only. Node, workerd and browsers each provide one. */
export interface Signer {
  readonly publicKey: string;
  sign(kind: MessageKind, body: Uint8Array): Promise<string>;
}

export interface SignedBytes {
  readonly kind: MessageKind;
  readonly body: Uint8Array;
  /** base64url, 64 bytes. */
  readonly signature: string;
  /** base64url, 32 bytes. */
  readonly publicKey: string;
}

/** Verifies an Ed25519 signature over PAE(kind, body). Malformed text is a bad signature, not an exception. */
export async function verifySignature({ kind, body, signature, publicKey }: SignedBytes): Promise<boolean> {
  let signatureBytes: Uint8Array<ArrayBuffer>;
  let keyBytes: Uint8Array<ArrayBuffer>;
  try {
    signatureBytes = fromBase64url(signature);
    keyBytes = fromBase64url(publicKey);
  } catch {
    return false; // not base64url: no key ever signed that
  }
  return verifyEd25519({
    publicKey: keyBytes,
    signature: signatureBytes,
    message: preAuthenticationEncoding(kind, body),
  });
}

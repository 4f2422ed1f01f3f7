/**
 * The protocol's only contact with a platform: UTF-8 and WebCrypto's *verify*. The same four runtimes (Node,
 * workerd, Chromium, other browsers) provide it; no clock, no randomness, no I/O may ever be added here.
 */

/** A public key as the platform holds it. */
export interface PublicKeyHandle {
  readonly algorithm: { readonly modulusLength?: number };
}
interface Verifier {
  importKey(
    format: "raw" | "spki",
    key: Uint8Array<ArrayBuffer>,
    algorithm: object,
    extractable: boolean,
    usages: readonly "verify"[],
  ): Promise<PublicKeyHandle>;
  verify(
    algorithm: object,
    key: PublicKeyHandle,
    signature: Uint8Array<ArrayBuffer>,
    message: Uint8Array<ArrayBuffer>,
  ): Promise<boolean>;
}
interface Platform {
  readonly crypto: { readonly subtle: Verifier };
  readonly TextEncoder: new () => { encode(text: string): Uint8Array<ArrayBuffer> };
  readonly TextDecoder: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string };
}

// The protocol compiles without any platform's types, so that nothing else can be reached by accident.
const platform = globalThis as unknown as Platform;
const encoder = new platform.TextEncoder();
const decoder = new platform.TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** @throws {TypeError} on malformed UTF-8. A byte order mark is kept, so that it fails as JSON. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export type SignatureAlgorithm = "Ed25519" | "ES256" | "RS256";

interface AlgorithmEntry {
  readonly format: "raw" | "spki";
  readonly importParameters: object;
  readonly verifyParameters: object;
}

const ALGORITHMS = {
  Ed25519: { format: "raw", importParameters: { name: "Ed25519" }, verifyParameters: { name: "Ed25519" } },
  ES256: {
    format: "spki",
    importParameters: { name: "ECDSA", namedCurve: "P-256" },
    verifyParameters: { name: "ECDSA", hash: "SHA-256" },
  },
  RS256: {
    format: "spki",
    importParameters: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    verifyParameters: { name: "RSASSA-PKCS1-v1_5" },
  },
} as const satisfies Record<SignatureAlgorithm, AlgorithmEntry>;

/** RSA keys below this are refused (NIST SP 800-57: 112-bit strength). */
const MIN_RSA_BITS = 2048;

export interface VerificationInput {
  readonly algorithm: SignatureAlgorithm;
  /** Raw 32 bytes for Ed25519, SPKI DER otherwise. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** Raw 64 bytes for Ed25519 and ES256 (r then s), PKCS#1 v1.5 bytes for RS256. */
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly message: Uint8Array<ArrayBuffer>;
}

/** Undefined for a key that the platform, or we, refuse: nothing it "signed" can be valid. */
export async function importPublicKey({
  algorithm,
  publicKey,
}: Pick<VerificationInput, "algorithm" | "publicKey">): Promise<PublicKeyHandle | undefined> {
  const entry: AlgorithmEntry = ALGORITHMS[algorithm];
  let key: PublicKeyHandle;
  try {
    key = await platform.crypto.subtle.importKey(entry.format, publicKey, entry.importParameters, false, ["verify"]);
  } catch {
    return undefined; // not a key of this algorithm
  }
  const bits = key.algorithm.modulusLength;
  return bits !== undefined && bits < MIN_RSA_BITS ? undefined : key;
}

export function verifyWith(
  key: PublicKeyHandle,
  { algorithm, signature, message }: Omit<VerificationInput, "publicKey">,
): Promise<boolean> {
  return platform.crypto.subtle.verify(ALGORITHMS[algorithm].verifyParameters, key, signature, message);
}

/** Native verification. False for a bad signature *and* for a key the platform refuses. */
export async function verifyNatively(input: VerificationInput): Promise<boolean> {
  const key = await importPublicKey(input);
  return key !== undefined && verifyWith(key, input);
}

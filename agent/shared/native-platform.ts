/**
 * Signature checks by Node's own library, in the place of WebCrypto in the agent's own program (agent/agent-bundle.ts): the same
 * library underneath, asked at once. WebCrypto hands each key and each check to another thread and back, which costs more
 * than the check. test/agent/shared holds both against each other; the protocol stays without a platform.
 */
import { createPublicKey, verify, type KeyObject } from "node:crypto";
import type { PublicKeyHandle, SignatureAlgorithm, VerificationInput } from "../../protocol/platform.ts";

export { decodeUtf8, encodeUtf8 } from "../../protocol/platform.ts";
export type { PublicKeyHandle, SignatureAlgorithm, VerificationInput } from "../../protocol/platform.ts";

/** RFC 8410: what comes before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo. */
const ED25519_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const ED25519_BYTES = 32;
/** As in protocol/platform.ts. */
const MIN_RSA_BITS = 2048;

const keyObjects = new WeakMap<PublicKeyHandle, KeyObject>();

type Import = Pick<VerificationInput, "algorithm" | "publicKey">;

/** Undefined for a key that the library, or we, refuse. */
export function importPublicKey(input: Import): Promise<PublicKeyHandle | undefined> {
  const key = keyOf(input);
  if (key === undefined) return Promise.resolve(undefined);
  const bits = key.asymmetricKeyDetails?.modulusLength;
  const handle: PublicKeyHandle = { algorithm: bits === undefined ? {} : { modulusLength: bits } };
  keyObjects.set(handle, key);
  return Promise.resolve(handle);
}

function keyOf({ algorithm, publicKey }: Import): KeyObject | undefined {
  if (algorithm === "Ed25519" && publicKey.length !== ED25519_BYTES) return undefined;
  const der = algorithm === "Ed25519" ? Buffer.concat([ED25519_PREFIX, publicKey]) : Buffer.from(publicKey);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    return undefined; // not a key
  }
  return isOf(key, algorithm) ? key : undefined;
}

/** The encoding names its own algorithm; it must be the one that was asked for. */
function isOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, algorithm: SignatureAlgorithm): boolean {
  switch (algorithm) {
    case "Ed25519":
      return asymmetricKeyType === "ed25519";
    case "ES256":
      return asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1";
    case "RS256":
      return asymmetricKeyType === "rsa" && (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;
  }
}

type Check = Omit<VerificationInput, "publicKey">;

export function verifyWith(handle: PublicKeyHandle, check: Check): Promise<boolean> {
  const key = keyObjects.get(handle);
  if (key === undefined) throw new TypeError("a key that was not imported here");
  return Promise.resolve(isSigned(key, check));
}

function isSigned(key: KeyObject, { algorithm, signature, message }: Check): boolean {
  switch (algorithm) {
    case "Ed25519":
      return verify(null, message, key, signature);
    case "ES256":
      return verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature);
    case "RS256":
      return verify("sha256", message, key, signature);
  }
}

/** False for a bad signature *and* for a key that is refused. */
export async function verifyNatively(input: VerificationInput): Promise<boolean> {
  const key = await importPublicKey(input);
  return key !== undefined && verifyWith(key, input);
}

/**
 * COSE keys (RFC 9052, 9053, 8230) into the form the trust log pins: SPKI DER for ES256 and RS256, raw bytes for
 * Ed25519. Exactly the three algorithms we verify; anything else is no key.
 */
import { cose, decodeCredentialPublicKey } from "@simplewebauthn/server/helpers";
import { concatBytes, fromHex } from "../protocol/bytes.ts";
import type { SignatureAlgorithm } from "../protocol/platform.ts";

export interface PinnedKey {
  readonly alg: SignatureAlgorithm;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/** SubjectPublicKeyInfo of an uncompressed P-256 point up to x and y (RFC 5480). */
const P256_SPKI_PREFIX = fromHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004");
/** AlgorithmIdentifier of rsaEncryption with its NULL (RFC 3279, section 2.3.1). */
const RSA_ALGORITHM = fromHex("300d06092a864886f70d0101010500");
/** A P-256 coordinate, an Ed25519 key. */
const KEY_BYTES = 32;
const P256 = 1;
const ED25519 = 6;

export function pinnedKeyOf(coseKey: Uint8Array<ArrayBuffer>): PinnedKey | undefined {
  const key = decodeCredentialPublicKey(coseKey);
  const alg = key.get(cose.COSEKEYS.alg);
  if (cose.isCOSEPublicKeyEC2(key) && alg === cose.COSEALG.ES256) return p256Key(key);
  if (cose.isCOSEPublicKeyOKP(key) && alg === cose.COSEALG.EdDSA) return ed25519Key(key);
  if (cose.isCOSEPublicKeyRSA(key) && alg === cose.COSEALG.RS256) return rsaKey(key);
  return undefined;
}

function p256Key(key: cose.COSEPublicKeyEC2): PinnedKey | undefined {
  const x = key.get(cose.COSEKEYS.x);
  const y = key.get(cose.COSEKEYS.y);
  if (key.get(cose.COSEKEYS.crv) !== P256 || x?.length !== KEY_BYTES || y?.length !== KEY_BYTES) return undefined;
  return { alg: "ES256", publicKey: concatBytes(P256_SPKI_PREFIX, x, y) };
}

function ed25519Key(key: cose.COSEPublicKeyOKP): PinnedKey | undefined {
  const x = key.get(cose.COSEKEYS.x);
  if (key.get(cose.COSEKEYS.crv) !== ED25519 || x?.length !== KEY_BYTES) return undefined;
  return { alg: "Ed25519", publicKey: new Uint8Array(x) };
}

function rsaKey(key: cose.COSEPublicKeyRSA): PinnedKey | undefined {
  const n = key.get(cose.COSEKEYS.n);
  const e = key.get(cose.COSEKEYS.e);
  return n === undefined || e === undefined ? undefined : { alg: "RS256", publicKey: rsaSpki(n, e) };
}

function rsaSpki(n: Uint8Array, e: Uint8Array): Uint8Array<ArrayBuffer> {
  const key = der(0x30, concatBytes(derInteger(n), derInteger(e)));
  return der(0x30, concatBytes(RSA_ALGORITHM, der(0x03, concatBytes(Uint8Array.of(0), key))));
}

/** A positive integer: shortest form, with a zero in front where the first bit would read as a sign. */
function derInteger(magnitude: Uint8Array): Uint8Array {
  const first = magnitude.findIndex((byte) => byte !== 0);
  const short = first < 0 ? Uint8Array.of(0) : magnitude.subarray(first);
  return der(0x02, (short[0] ?? 0) >= 0x80 ? concatBytes(Uint8Array.of(0), short) : short);
}

function der(tag: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.of(tag, ...size), content);
}

/**
 * Which public keys may stand in the trust log. Runtimes disagree about unusual encodings of a key (compressed or
 * hybrid points, trailing bytes, long lengths, odd exponents: OpenSSL imports what BoringSSL refuses), so each
 * algorithm has one encoding here and every other is refused, at registration and at each use.
 */
import { concatBytes, equalBytes, fromHex } from "./bytes.ts";
import { isAcceptablePoint } from "./ed25519.ts";
import type { SignatureAlgorithm } from "./platform.ts";

/** SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480) up to the coordinates: 0x04, x, y follow. */
const P256_PREFIX = fromHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004");
const P256_BYTES = P256_PREFIX.length + 64;

/** Modulus sizes of real authenticators: RSA-2048, 3072 and 4096. Smaller ones are too weak, larger ones cost too much. */
const RSA_MODULUS_BYTES: readonly number[] = [256, 384, 512];
const RSA_ALGORITHM = fromHex("300d06092a864886f70d0101010500");
/** INTEGER 65537: the one exponent that authenticators use and every runtime accepts. */
const RSA_EXPONENT = fromHex("0203010001");

/** True for the one encoding of a key that we are ready to believe. `publicKey`: raw for Ed25519, SPKI otherwise. */
export function isAcceptablePublicKey(alg: SignatureAlgorithm, publicKey: Uint8Array): boolean {
  switch (alg) {
    case "ES256":
      return publicKey.length === P256_BYTES && equalBytes(publicKey.subarray(0, P256_PREFIX.length), P256_PREFIX);
    case "RS256":
      return isPlainRsa(publicKey);
    case "Ed25519":
      return isAcceptablePoint(publicKey);
  }
}

/** Compares with the bytes that an encoder would have written for the same modulus (RFC 3279, RFC 8017). */
function isPlainRsa(spki: Uint8Array): boolean {
  const modulusBytes = spki.length - rsaSpki(new Uint8Array()).length;
  if (!RSA_MODULUS_BYTES.includes(modulusBytes)) return false;
  const start = spki.length - RSA_EXPONENT.length - modulusBytes;
  const modulus = spki.subarray(start, start + modulusBytes);
  const fullSize = (modulus[0] ?? 0) >= 0x80;
  const odd = ((modulus.at(-1) ?? 0) & 1) === 1;
  return fullSize && odd && equalBytes(rsaSpki(modulus), spki);
}

function rsaSpki(modulus: Uint8Array): Uint8Array {
  const integer = concatBytes(header(0x02, modulus.length + 1), Uint8Array.of(0), modulus);
  const key = concatBytes(header(0x30, integer.length + RSA_EXPONENT.length), integer, RSA_EXPONENT);
  const bits = concatBytes(header(0x03, key.length + 1), Uint8Array.of(0), key);
  return concatBytes(header(0x30, RSA_ALGORITHM.length + bits.length), RSA_ALGORITHM, bits);
}

/** Tag and two-byte length: the form DER demands from 256 bytes on, which all of these have. */
function header(tag: number, length: number): Uint8Array {
  return Uint8Array.of(tag, 0x82, length >> 8, length & 0xff);
}

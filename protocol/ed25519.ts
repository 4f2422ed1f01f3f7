/**
 * The one definition of Ed25519 verification: the platform's own verifier behind a filter. Platforms disagree
 * about low-order and non-canonical encodings (OpenSSL 3.0 and 3.5 differ on 165 of 914 public edge vectors);
 * behind this filter Node, workerd and Chromium accept the same set.
 */
import { toHex } from "./bytes.ts";
import { verifyNatively } from "./platform.ts";

/** Encodings of points of order 1, 2, 4 and 8, canonical or not (Chalkias et al. 2020, "Taming the many EdDSAs"). */
const LOW_ORDER_ENCODINGS: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]);

const SECOND_BYTES: ReadonlySet<number> = new Set(
  [...LOW_ORDER_ENCODINGS].map((hex) => Number.parseInt(hex.slice(2, 4), 16)),
);

/** y >= p = 2^255 - 19: bytes 1..30 all ones, the top byte all ones but the sign, the low byte >= 0xed. */
function hasNonCanonicalY(encoding: Uint8Array): boolean {
  if (((encoding[31] ?? 0) & 0x7f) !== 0x7f || (encoding[0] ?? 0) < 0xed) return false;
  return encoding.subarray(1, 31).every((byte) => byte === 0xff);
}

/** Both signs of a low-order point are listed, so one look at the second byte spares nearly every comparison. */
function isLowOrder(encoding: Uint8Array): boolean {
  return SECOND_BYTES.has(encoding[1] ?? 0) && LOW_ORDER_ENCODINGS.has(toHex(encoding));
}

/** True for a 32-byte encoding that we are ready to see as A or R. Registration uses it too. */
export function isAcceptablePoint(encoding: Uint8Array): boolean {
  if (encoding.length !== 32 || hasNonCanonicalY(encoding)) return false;
  return !isLowOrder(encoding);
}

/** True for 64 bytes whose R we are ready to see. */
export function isAcceptableSignature(signature: Uint8Array): boolean {
  return signature.length === 64 && isAcceptablePoint(signature.subarray(0, 32));
}

export interface Ed25519Input {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly message: Uint8Array<ArrayBuffer>;
}

export async function verifyEd25519({ publicKey, signature, message }: Ed25519Input): Promise<boolean> {
  if (!isAcceptableSignature(signature) || !isAcceptablePoint(publicKey)) return false;
  return verifyNatively({ algorithm: "Ed25519", publicKey, signature, message });
}

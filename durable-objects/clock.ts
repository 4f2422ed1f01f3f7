/** The edge's clock and randomness, at the edge of everything pure. */
import { toBase64url, toHex } from "../protocol/bytes.ts";
import { NONCE_BYTES } from "../protocol/limits.ts";

/** Whole seconds since 1970. */
export function edgeSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** 256 random bits, base64url. */
export function randomNonce(): string {
  return toBase64url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}

/** 80 random bits behind a letter that says what it names: an id as protocol/fields.ts has it. */
export function randomId(prefix: string): string {
  return `${prefix}-${toHex(crypto.getRandomValues(new Uint8Array(10)))}`;
}

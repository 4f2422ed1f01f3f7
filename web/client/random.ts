/** Randomness of the page: nonces, ids, salts. */
import { toBase64url, toHex } from "../../protocol/bytes.ts";
import { NONCE_BYTES } from "../../protocol/limits.ts";

export function randomNonce(): string {
  return toBase64url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}

/** A person's id: random, so that the log carries no name. */
export function randomPersonId(): string {
  return `p-${toHex(crypto.getRandomValues(new Uint8Array(8)))}`;
}
/** A secret of a webhook, as Standard Webhooks writes them. */
export function freshWebhookSecret(): string {
  return `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
}

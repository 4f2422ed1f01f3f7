/**
 * The Worker's secrets, made on this machine from its random source, handed over once and then forgotten. What hosts and
 * auditors trust, and what seals the edge's settings: none is made a second time for a Worker that had it.
 */
import { randomBytes } from "node:crypto";

/** durable-objects/env.ts says what each is for. */
export const SECRET_NAMES = ["DISPATCH_KEY", "LEDGER_KEY", "SETTINGS_KEY"] as const;
export type SecretName = (typeof SECRET_NAMES)[number];

/** Handed over by the owner, while a key is being changed; a deployment keeps them and makes none. */
export const NEXT_SECRET_NAMES: readonly string[] = ["DISPATCH_KEY_NEXT", "LEDGER_KEY_NEXT"];

const SECRET_BYTES = 32;

/** base64url. */
export function makeSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

/** The Worker's secrets, made on this machine from its random source, handed over once and then forgotten. */
import { randomBytes } from "node:crypto";

/** What hosts and auditors trust, and what seals the edge's settings. durable-objects/env.ts says what each is for. */
export const SECRET_NAMES = ["DISPATCH_KEY", "LEDGER_KEY", "SETTINGS_KEY"] as const;
export type SecretName = (typeof SECRET_NAMES)[number];
/** Never made a second time for a Worker that had them. */
export const IDENTITY_SECRETS: readonly SecretName[] = SECRET_NAMES;

const SECRET_BYTES = 32;

export function makeSecret(_name: SecretName): Promise<string> {
  return Promise.resolve(randomBytes(SECRET_BYTES).toString("base64url"));
}

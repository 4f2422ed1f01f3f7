/** Signatures of Standard Webhooks 1.0: how a far end knows that a message is ours, new, and not changed on the way. */
import { utf8 } from "../../protocol/bytes.ts";

export interface WebhookParts {
  readonly id: string;
  /** Decimal seconds. */
  readonly timestamp: string;
  readonly body: string;
}

export interface WebhookMessage {
  /** The same at every attempt, so that the far end can drop a repetition. */
  readonly id: string;
  readonly body: string;
  /** Edge clock of this attempt, seconds: a far end refuses what is more than five minutes off. */
  readonly now: number;
}

/** Several secrets sign side by side while one replaces another; the far end needs to know one of them. */
export async function webhookHeaders(
  { id, body, now }: WebhookMessage,
  secrets: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const timestamp = String(now);
  const signatures = await Promise.all(secrets.map((secret) => signWebhook({ id, timestamp, body }, secret)));
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

/** `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body` with the secret's decoded bytes. */
export async function signWebhook({ id, timestamp, body }: WebhookParts, secret: string): Promise<string> {
  const bytes = Uint8Array.from(atob(secret.slice("whsec_".length)), (character) => character.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(`${id}.${timestamp}.${body}`)));
  return `v1,${btoa(String.fromCharCode(...mac))}`;
}

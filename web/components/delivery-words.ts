/** What alerts and streams say of a far end alike: why it did not take a message, and what is wrong with its settings. Pure. */
import type { DeliveryFault } from "../../protocol/alerts.ts";
import { WEBHOOK_SECRET } from "../../protocol/contracts/alerts.ts";

export const faultWords = {
  unreachable: "it could not be reached",
  timeout: "it took longer than 10 seconds",
  redirect: "it answered with a redirect, which is never followed",
  status: "it answered with an error",
  gone: "it says that it is gone for good",
  target: "its address is not allowed any more",
  settings: "its settings cannot be opened any more; set them again",
} as const satisfies Record<DeliveryFault, string>;

/** The edge judges the address fully; this spares a touch for what it would refuse anyway. */
export function addressFault(url: string, example: string): string | undefined {
  if (!url.startsWith("https://") || !URL.canParse(url))
    return "The address must be a whole one, beginning with https://.";
  const { hostname } = new URL(url);
  const isName = /[a-z]$/.test(hostname) && hostname.includes(".");
  return isName ? undefined : `The address must have a public name, such as ${example}.`;
}

export function secretFault(secret: string): string | undefined {
  return WEBHOOK_SECRET.test(secret) ? undefined : "The secret must be whsec_ and 24 to 64 bytes in base64.";
}

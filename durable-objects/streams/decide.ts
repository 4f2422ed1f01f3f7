/** What follows from one attempt to deliver a batch. Pure: the caller brings the outcome and the chance. */
import type { DeliveryFault } from "../../protocol/alerts.ts";
import { MAX_STREAM_ATTEMPTS, MAX_STREAM_WAIT_SECONDS, STREAM_RETRY_SECONDS } from "../../protocol/limits.ts";
import type { PostOutcome } from "../outbound/post-out.ts";

export type Decision =
  | { readonly next: "sent" }
  /** The same batch again, after so long. `refused`: the far end judged the batch itself, and said no. */
  | { readonly next: "wait"; readonly seconds: number; readonly fault: DeliveryFault; readonly refused: boolean }
  /** The far end will not take this batch: it goes on without it. */
  | { readonly next: "set-aside"; readonly fault: DeliveryFault }
  /** The far end says that it is gone for good. */
  | { readonly next: "pause"; readonly fault: DeliveryFault };

export interface Attempts {
  /** Attempts before this one, of any outcome. */
  readonly attempts: number;
  /** Of those, how often the far end refused the batch itself. */
  readonly refusals: number;
  /** 0 to 1. */
  readonly chance: number;
}

/** Of the client's errors these are about the moment and not about what was sent (RFC 9110, RFC 6585, RFC 8470). */
const MOMENTARY: ReadonlySet<number> = new Set([408, 425, 429]);

export function decide({ fault, status, retryAfterSeconds }: PostOutcome, tried: Attempts): Decision {
  if (fault === undefined) return { next: "sent" };
  if (fault === "gone") return { next: "pause", fault };
  const refused = fault === "status" && status >= 400 && status < 500 && !MOMENTARY.has(status);
  if (refused && tried.refusals + 1 >= MAX_STREAM_ATTEMPTS) return { next: "set-aside", fault };
  return { next: "wait", seconds: waitOf(tried, retryAfterSeconds), fault, refused };
}

/** Doubles, and is spread over its upper half, so that many streams do not come back at once. */
function waitOf({ attempts, chance }: Attempts, retryAfterSeconds = 0): number {
  const full = Math.min(MAX_STREAM_WAIT_SECONDS, STREAM_RETRY_SECONDS * 2 ** Math.min(attempts, 16));
  const spread = Math.ceil(full * (0.5 + chance / 2));
  return Math.min(MAX_STREAM_WAIT_SECONDS, Math.max(spread, retryAfterSeconds));
}

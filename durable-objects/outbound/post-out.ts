/**
 * One POST to a far end that may be slow, lying or down. Of its answer only the status and how long to wait are read. No
 * redirect is followed: where it leads has not been judged.
 */
import type { DeliveryFault } from "../../protocol/alerts.ts";
import { ALERT_SEND_SECONDS } from "../../protocol/limits.ts";
import { parseTarget } from "./target.ts";

export type FetchOut = (request: Request) => Promise<Response>;

/** Locally a service that reaches public addresses only; on Cloudflare the Worker's own way out. */
export function wayOut({ ALERTS_OUT }: { readonly ALERTS_OUT?: Fetcher }): FetchOut {
  return (request) => (ALERTS_OUT === undefined ? fetch(request) : ALERTS_OUT.fetch(request));
}

export interface OutgoingPost {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `status` 0: there was no answer. */
export interface PostOutcome {
  /** Undefined when the far end has accepted it. */
  readonly fault: DeliveryFault | undefined;
  readonly status: number;
  /** Its `retry-after`, seconds from now, where it sent one. */
  readonly retryAfterSeconds?: number;
}

/** Never rejects for what the far end does. */
export async function postOut({ url, body, headers }: OutgoingPost, fetchOut: FetchOut): Promise<PostOutcome> {
  // Judged again at every attempt: a rule that came later holds for settings that were made before.
  const target = parseTarget(url);
  if (target === undefined) return { fault: "target", status: 0 };
  const end = new AbortController();
  // A timer of its own, because one that nobody clears would keep the object awake.
  const timer = setTimeout(() => end.abort(), ALERT_SEND_SECONDS * 1_000);
  const { signal } = end;
  try {
    const response = await fetchOut(new Request(target, { method: "POST", body, headers, redirect: "manual", signal }));
    await discard(response);
    const { status } = response;
    const wait = readRetryAfter(response.headers.get("retry-after"), Date.now());
    return { fault: faultOf(status), status, ...(wait === undefined ? {} : { retryAfterSeconds: wait }) };
  } catch {
    // The cause may quote the address, which is kept secret.
    return { fault: signal.aborted ? "timeout" : "unreachable", status: 0 };
  } finally {
    clearTimeout(timer);
  }
}

function faultOf(status: number): DeliveryFault | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status >= 300 && status < 400) return "redirect";
  return status === 410 ? "gone" : "status";
}

/** RFC 9110, section 10.2.3: seconds or a date. What is neither says nothing. `now`: milliseconds. */
export function readRetryAfter(text: string | null, now: number): number | undefined {
  if (text === null || text.length > 64) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  // Only the form with a weekday: Date.parse takes nearly anything for a date.
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1_000));
}

async function discard(response: Response): Promise<void> {
  try {
    await response.body?.cancel();
  } catch {
    return; // closed by the far end already
  }
}

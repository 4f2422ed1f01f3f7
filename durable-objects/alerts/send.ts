/** One attempt to hand a message to a far end that may be slow, lying or down. Reads nothing of what it answers. */
import type { AlertChannel, DeliveryFault } from "../../protocol/alerts.ts";
import { ALERT_SEND_SECONDS } from "../../protocol/limits.ts";
import { writeMessage, type Notice, type Target } from "./messages.ts";
import { parseTarget } from "./target.ts";

export type FetchOut = (request: Request) => Promise<Response>;

export interface Attempt {
  readonly channel: AlertChannel;
  readonly notice: Notice | "test";
  readonly target: Target;
  /** Edge clock, seconds. */
  readonly now: number;
}

/** Undefined when the far end has accepted it. Never rejects for what the far end does. */
export async function attemptDelivery(attempt: Attempt, fetchOut: FetchOut): Promise<DeliveryFault | undefined> {
  const { channel, notice, target, now } = attempt;
  // Judged again at every attempt: a rule that came later holds for settings that were made before.
  const url = parseTarget(target.url);
  if (url === undefined) return "target";
  const { body, headers } = await writeMessage(channel, notice, { target, now });
  const end = new AbortController();
  // A timer of its own, because one that nobody clears would keep the object awake.
  const timer = setTimeout(() => end.abort(), ALERT_SEND_SECONDS * 1_000);
  const { signal } = end;
  try {
    const response = await fetchOut(new Request(url, { method: "POST", body, headers, redirect: "manual", signal }));
    await discard(response);
    return faultOf(response.status);
  } catch {
    return signal.aborted ? "timeout" : "unreachable"; // the cause may quote the address, which is kept secret
  } finally {
    clearTimeout(timer);
  }
}

function faultOf(status: number): DeliveryFault | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status >= 300 && status < 400) return "redirect";
  return status === 410 ? "gone" : "status";
}

async function discard(response: Response): Promise<void> {
  try {
    await response.body?.cancel();
  } catch {
    return; // closed by the far end already
  }
}

/** One attempt to hand a message about an alert to a far end. */
import type { AlertChannel, DeliveryFault } from "../../protocol/alerts.ts";
import { postOut, type FetchOut } from "../outbound/post-out.ts";
import { parseTarget } from "../outbound/target.ts";
import { writeMessage, type Notice, type Target } from "./messages.ts";

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
  if (parseTarget(target.url) === undefined) return "target";
  const { body, headers } = await writeMessage(channel, notice, { target, now });
  return (await postOut({ url: target.url, body, headers }, fetchOut)).fault;
}

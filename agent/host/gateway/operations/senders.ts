/** People on a channel who ask to be let in. Approving lets one write to the account; it makes nobody an owner. */
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { act, mustBeAsShown, stringOf } from "./acting.ts";
import { executed, failed, type GatewayTools } from "./implementation.ts";
import { mustKnowVersion } from "./known.ts";
import { senderRequestNamed } from "./things.ts";

export function approveSender(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.pairing"], async (acting) => {
    mustKnowVersion(acting);
    const request = await senderRequestNamed(acting, stringOf(order.args, "subject"));
    if (request === undefined) return failed("gone");
    mustBeAsShown(order, request.subject);
    const answer = await acting.tell("channels.pairing.approve", {
      channel: request.channel,
      accountId: request.account,
      requestId: request.id,
    });
    const isGone = await acting.becomes(async () => (await senderRequestNamed(acting, request.tag)) === undefined);
    if (!isGone) return failed("not_seen");
    // Gone is what a denied request is too: without the gateway's answer nobody can tell.
    return answer === undefined ? failed("outcome_unknown") : executed({ changed: 1 });
  });
}

export function denySender(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.pairing"], async (acting) => {
    const request = await senderRequestNamed(acting, stringOf(order.args, "subject"));
    if (request === undefined) return executed({ changed: 0 });
    await acting.tell("channels.pairing.dismiss", {
      channel: request.channel,
      accountId: request.account,
      requestId: request.id,
    });
    const isGone = await acting.becomes(async () => (await senderRequestNamed(acting, request.tag)) === undefined);
    return isGone ? executed({ changed: 1 }) : failed("not_seen");
  });
}

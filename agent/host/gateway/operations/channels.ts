/**
 * Who may write to a channel account. The policy and the list are one thing here: a list that holds everybody is open
 * whatever the policy is called, so each change sets both. Whether a change tightens or loosens is judged against what
 * the configuration says at the moment of the change, and each change is a version that can be rolled back.
 */
import * as v from "valibot";
import { accessOperations, channelPolicies, type ChannelPolicy } from "../../../../protocol/operations/access.ts";
import { changeConfiguration } from "../config-change.ts";
import { setAt, type Tree } from "../config-edit.ts";
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { act, mustBeAsShown, Refusal, stringOf, type Acting } from "./acting.ts";
import { EVERYBODY, isEverybody, opennessOf, settingsOf, type ChannelSettings } from "./channel-settings.ts";
import { executed, failed, type GatewayTools } from "./implementation.ts";
import { mustKnowVersion } from "./known.ts";
import { channelNamed, senderTag, type ChannelThing } from "./things.ts";

const SETTLING_MILLISECONDS = 8_000;
const LOOK_MILLISECONDS = 500;

interface Rules {
  readonly policy: ChannelPolicy;
  readonly senders: readonly string[];
}

interface Rule {
  readonly order: GatewayOrder;
  readonly tools: GatewayTools;
  /** Loosening needs the channel as it was shown, a version that is known, and settings of its own. */
  readonly loosens: boolean;
  /** What it becomes. @throws {Refusal} */
  readonly rules: (settings: ChannelSettings, senderTagOf: (sender: string) => string) => Rules;
}

export function tightenChannel(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const policy = policyOf(order);
  return change({
    order,
    tools,
    loosens: false,
    rules: (settings) => {
      if (opennessOf(policy) > opennessOf(settings.policy)) throw new Refusal("not_tighter");
      // What counts where nothing is said is the channel's to know: said aloud, our guess could open it.
      if (!settings.isSaid && opennessOf(policy) >= opennessOf("pairing")) throw new Refusal("not_tighter");
      return { policy, senders: settings.senders };
    },
  });
}

export function loosenChannel(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const policy = policyOf(order);
  return change({
    order,
    tools,
    loosens: true,
    rules: (settings) => {
      if (opennessOf(policy) <= opennessOf(settings.policy)) throw new Refusal("not_looser");
      return { policy, senders: settings.senders };
    },
  });
}

export function allowSender(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const { sender } = v.parse(accessOperations["channel.allow@1"].sealed, order.content);
  // Everybody is no sender: that is loosening, which says so.
  if (isEverybody(sender)) return Promise.resolve(failed("everybody"));
  return change({
    order,
    tools,
    loosens: true,
    rules: ({ policy, senders }) => ({
      policy,
      senders: senders.includes(sender) ? senders : [...senders, sender],
    }),
  });
}

export function disallowSender(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  const tag = stringOf(order.args, "sender");
  return change({
    order,
    tools,
    loosens: false,
    rules: ({ policy, senders }, senderTagOf) => {
      const kept = senders.filter((sender) => senderTagOf(sender) !== tag);
      // Taking everybody off a list that was open for it leaves a list; one with nobody on it lets nobody in.
      const isClosed = policy === "open" && !kept.some(isEverybody);
      if (!isClosed) return { policy, senders: kept };
      return { policy: kept.length === 0 ? "disabled" : "allowlist", senders: kept };
    },
  });
}

function policyOf({ args }: GatewayOrder): ChannelPolicy {
  const policy = channelPolicies.find((known) => known === args["policy"]);
  if (policy === undefined) throw new TypeError("no policy in verified arguments");
  return policy;
}

async function change({ order, tools, loosens, rules }: Rule): Promise<Performed> {
  let channel: ChannelThing | undefined;
  let senderTagOf = (_sender: string): string => "";
  const found = await act(tools, ["operator.read"], async (acting) => {
    channel = await presentChannel(acting, order, loosens);
    const present = channel;
    senderTagOf = (sender) => senderTag(acting, present, sender);
    return executed();
  });
  const place = channel;
  if (place === undefined) return found;
  const plan = (before: Tree): Tree => {
    const settings = settingsOf(before, place);
    if (settings === undefined) throw new Refusal("not_configured");
    // What was shown is one account; loosening others with it was never shown.
    if (loosens && settings.isShared) throw new Refusal("shared_settings");
    return written(before, settings, coherent(rules(settings, senderTagOf)));
  };
  return changeWhenSettled(
    () => changeConfiguration({ order, note: "Who may write to a channel", plan }, tools),
    tools,
  );
}

/** A change of somebody else that the gateway is still taking up passes in a second or two; nothing was done meanwhile. */
async function changeWhenSettled(attempt: () => Promise<Performed>, tools: GatewayTools): Promise<Performed> {
  const until = tools.elapsed() + SETTLING_MILLISECONDS;
  for (;;) {
    const done = await attempt();
    if (done.observed.reason !== "config_pending" || tools.elapsed() >= until) return done;
    await tools.wait(LOOK_MILLISECONDS);
  }
}

async function presentChannel(acting: Acting, order: GatewayOrder, loosens: boolean): Promise<ChannelThing> {
  if (loosens) mustKnowVersion(acting);
  const channel = await channelNamed(acting, stringOf(order.args, "subject"));
  if (channel === undefined) throw new Refusal("gone");
  mustBeAsShown(order, channel.subject);
  return channel;
}

/** `disabled` leaves the list as it is: nobody gets in by it, and it is there when the channel is used again. */
function coherent({ policy, senders }: Rules): Rules {
  if (policy === "disabled") return { policy, senders };
  const people = senders.filter((sender) => !isEverybody(sender));
  if (policy === "allowlist" && people.length === 0) throw new Refusal("list_empty");
  return { policy, senders: policy === "open" ? [...people, EVERYBODY] : people };
}

function written(before: Tree, settings: ChannelSettings, { policy, senders }: Rules): Tree {
  const isUnsaid = !settings.isSaid && settings.policy === policy;
  const after = settings.written === policy || isUnsaid ? before : setAt(before, settings.policyPath, policy);
  return sameList(settings.senders, senders) ? after : setAt(after, settings.listPath, senders);
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((sender, place) => sender === right[place]);
}

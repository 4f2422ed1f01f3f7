/**
 * Where the configuration says who may write to one channel account, and what it says there. Channels differ in where
 * they keep it and whether accounts have their own; the gateway's own schema is asked rather than a list of ours. Pure
 * but for what it is given.
 */
import { channelPolicies, type ChannelPolicy } from "../../../../protocol/operations/access.ts";
import { field, isFields } from "../wire.ts";

/** Somebody on a list who stands for everybody. */
export const EVERYBODY = "*";
/** Channels take off a prefix of their own ("tg:*") before they compare. */
const ANY_EVERYBODY = /(?:^|:)\s*\*\s*$/;

export function isEverybody(sender: string): boolean {
  return ANY_EVERYBODY.test(sender);
}

/** A list longer than this is no list of people. */
export const MAX_SENDERS = 2_000;

export interface ChannelPlace {
  readonly channel: string;
  readonly account: string;
}

export interface ChannelSettings {
  readonly policyPath: readonly string[];
  readonly listPath: readonly string[];
  /** What counts: an open list is open whatever the policy's name. */
  readonly policy: ChannelPolicy;
  /** What the block itself says, where it says it. */
  readonly written: ChannelPolicy | undefined;
  /** The account or the channel says it; else it is the channel's own default, which may be stricter than ours. */
  readonly isSaid: boolean;
  readonly senders: readonly string[];
  /** Other accounts of the channel take their rules from this block too. */
  readonly isShared: boolean;
}

/** From strict to open; what a channel without a word about it does. */
const UNWRITTEN: ChannelPolicy = "pairing";

export function opennessOf(policy: ChannelPolicy): number {
  return channelPolicies.indexOf(policy);
}

/** Undefined: the configuration has no such channel. */
export function settingsOf(configuration: unknown, { channel, account }: ChannelPlace): ChannelSettings | undefined {
  const root = own(own(configuration, "channels"), channel);
  if (!isFields(root)) return undefined;
  const accounts = own(root, "accounts");
  const accountBlock = own(accounts, account);
  const others = isFields(accounts) ? Object.keys(accounts).filter((name) => name !== account) : [];
  const isOwn = isFields(accountBlock);
  const block = ["channels", channel, ...(isOwn ? ["accounts", account] : [])];
  const nested = isNested(root, accountBlock);
  const at = (name: "policy" | "allowFrom"): readonly string[] =>
    nested ? [...block, "dm", name] : [...block, name === "policy" ? "dmPolicy" : name];
  const written = policyIn(isOwn ? accountBlock : root, nested);
  const senders = sendersIn(isOwn ? accountBlock : root, nested) ?? sendersIn(root, nested) ?? [];
  const said = written ?? policyIn(root, nested);
  const named = said ?? UNWRITTEN;
  const isOpen = named !== "disabled" && senders.some(isEverybody);
  return {
    policyPath: at("policy"),
    listPath: at("allowFrom"),
    policy: isOpen ? "open" : named,
    written,
    isSaid: said !== undefined,
    senders,
    isShared: !isOwn && others.length > 0,
  };
}

function own(value: unknown, key: string): unknown {
  return field(value, key);
}

/** Some channels keep it in `dm: {policy, allowFrom}`; where both are there, the gateway takes the plain one. */
function isNested(...blocks: readonly unknown[]): boolean {
  const isPlain = blocks.some((block) => own(block, "dmPolicy") !== undefined || own(block, "allowFrom") !== undefined);
  return (
    !isPlain &&
    blocks.some(
      (block) => own(own(block, "dm"), "policy") !== undefined || own(own(block, "dm"), "allowFrom") !== undefined,
    )
  );
}

function policyIn(block: unknown, nested: boolean): ChannelPolicy | undefined {
  const value = nested ? own(own(block, "dm"), "policy") : own(block, "dmPolicy");
  return channelPolicies.find((policy) => policy === value);
}

/** Numbers are how some channels write their ids. */
function sendersIn(block: unknown, nested: boolean): readonly string[] | undefined {
  const value = nested ? own(own(block, "dm"), "allowFrom") : own(block, "allowFrom");
  if (!Array.isArray(value)) return undefined;
  return value
    .slice(0, MAX_SENDERS)
    .flatMap((sender: unknown) =>
      typeof sender === "string" ? [sender] : typeof sender === "number" ? [String(sender)] : [],
    );
}

/** The channels of a gateway: who may write to each, who asks, and how open it is. */
import { useSignal } from "@preact/signals";
import { channelPolicies, type ChannelPolicy } from "../../../protocol/operations/access.ts";
import { Foreign } from "../../components/foreign.tsx";
import { ChoiceField, TextField } from "../../components/fields.tsx";
import { Fact } from "../../components/parts.tsx";
import type { Column } from "../../components/sheet.tsx";
import { State } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { unknown } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";
import type { Shape } from "../../state/condition.ts";
import { useDesk, type HostWish, type Undo } from "./desk.ts";
import { useFresh } from "./fresh.ts";
import { Act, Detail, OpenLink, SignerNote, Things } from "./parts.tsx";
import { ListCard, MoreThere, useReading } from "./reading.tsx";

type Channel = ReadResult<"gateway.channels@1">["channels"][number];

export const policies = {
  disabled: { shape: "stopped", word: "nobody" },
  allowlist: { shape: "ok", word: "who is on the list" },
  pairing: { shape: "ok", word: "who was paired" },
  open: { shape: "bad", word: "anybody" },
} as const satisfies Record<ChannelPolicy, { readonly shape: Shape; readonly word: string }>;

function condition({ configured, running, connected }: Channel): { readonly shape: Shape; readonly word: string } {
  if (!configured) return { shape: "unknown", word: "not set up" };
  if (!running) return { shape: "stopped", word: "not running" };
  return connected === false ? { shape: "warn", word: "not connected" } : { shape: "ok", word: "running" };
}

const columns: readonly Column<Channel>[] = [
  {
    id: "name",
    name: "Channel",
    cell: ({ tag, name }) => <OpenLink of={tag} name={name} />,
    order: ({ name }) => name,
  },
  {
    id: "account",
    name: "Account",
    cell: ({ account }) => (account === undefined ? unknown : <Foreign text={account} />),
    order: ({ account }) => account,
    isMinor: true,
  },
  {
    id: "state",
    name: "State",
    cell: (channel) => <State shape={condition(channel).shape}>{condition(channel).word}</State>,
    order: (channel) => condition(channel).word,
  },
  {
    id: "direct",
    name: "May write",
    cell: ({ direct }) =>
      direct === undefined ? unknown : <State shape={policies[direct].shape}>{policies[direct].word}</State>,
    order: ({ direct }) => (direct === undefined ? undefined : channelPolicies.indexOf(direct)),
  },
  {
    id: "allowed",
    name: "On the list",
    cell: ({ allowed }) => allowed.length,
    order: ({ allowed }) => allowed.length,
    isNumber: true,
  },
  {
    id: "waiting",
    name: "Ask",
    cell: ({ waiting }) => (waiting.length > 0 ? <State shape="warn">{waiting.length} ask</State> : 0),
    order: ({ waiting }) => waiting.length,
    isNumber: true,
  },
];

export function ChannelsTab() {
  const { route } = useDesk();
  const read = useReading("gateway.channels@1", {});
  const open = read.kept?.value.channels.find(({ tag }) => tag === route.of);
  return (
    <>
      {open !== undefined && <ChannelDetail key={open.tag} channel={open} />}
      <ListCard id="channels" title="Channels" read={read} what="the channels">
        {({ channels, more }) => (
          <>
            <Things
              label="Channels"
              rows={channels}
              columns={columns}
              keyOf={({ tag }) => tag}
              textOf={(channel) => [channel.name, channel.account, channel.direct, condition(channel).word].join(" ")}
              usual="-waiting"
            />
            <MoreThere more={more} />
          </>
        )}
      </ListCard>
      <SignerNote asks={["pairing.approve@1", "channel.loosen@1"]} />
    </>
  );
}

function ChannelDetail({ channel }: { readonly channel: Channel }) {
  const { tag, name, account, groups, allowed, waiting } = channel;
  const fresh = useFresh();
  return (
    <Detail title="Channel" name={account === undefined ? name : `${name}, ${account}`}>
      {groups !== undefined && (
        <dl class="facts">
          <Fact name="Groups">
            <Foreign text={groups} />
          </Fact>
        </dl>
      )}
      <Policy channel={channel} />
      <h3>Ask to write</h3>
      {waiting.length === 0 && <p class="small muted">Nobody asks.</p>}
      <ul class="list">
        {waiting.map((one) => (
          <li key={one.tag}>
            <div class="grow">
              <Foreign text={one.sender} />
              {one.askedAt !== undefined && (
                <p class="tiny faint">
                  asked <Relative at={one.askedAt} ago />
                </p>
              )}
            </div>
            <span class="sheet-acts">
              <Act
                wish={{ operation: "pairing.deny@1", args: { subject: one.tag, kind: "sender" } }}
                about={one.sender}
              >
                Deny…
              </Act>
              <Act
                wish={{
                  operation: "pairing.approve@1",
                  args: { subject: one.tag, kind: "sender" },
                  expect: { subject: one.subject },
                }}
                about={one.sender}
              >
                Approve…
              </Act>
            </span>
          </li>
        ))}
      </ul>
      <h3>May write</h3>
      {allowed.length === 0 && <p class="small muted">Nobody is on the list.</p>}
      <ul class="list">
        {allowed.map((one) => (
          <li key={one.tag}>
            <span class="grow">
              <Foreign text={one.sender} />
            </span>
            <Act
              wish={{ operation: "channel.disallow@1", args: { subject: tag, sender: one.tag } }}
              about={one.sender}
              undo={{
                title: "Put the sender back",
                make: async () => {
                  const now = await fresh("gateway.channels@1", {}, subjectOf(tag));
                  if (now === undefined) return undefined;
                  const content = { sender: one.sender };
                  return { operation: "channel.allow@1", args: { subject: tag }, expect: { subject: now }, content };
                },
              }}
            >
              Take off the list…
            </Act>
          </li>
        ))}
      </ul>
      <AllowForm channel={channel} />
    </Detail>
  );
}

function subjectOf(tag: string) {
  return ({ channels }: ReadResult<"gateway.channels@1">) => channels.find((one) => one.tag === tag)?.subject;
}

/** Stricter is daily, more open is critical: which of the two it is, is said before it is asked for. */
export function policyWish(channel: Pick<Channel, "tag" | "subject" | "direct">, policy: ChannelPolicy): HostWish {
  const { tag, subject, direct } = channel;
  const isTighter = direct !== undefined && channelPolicies.indexOf(policy) < channelPolicies.indexOf(direct);
  const args = { subject: tag, policy };
  return isTighter
    ? { operation: "channel.tighten@1", args }
    : { operation: "channel.loosen@1", args, expect: { subject } };
}

function Policy({ channel }: { readonly channel: Channel }) {
  const { tag, direct } = channel;
  const fresh = useFresh();
  const chosen = useSignal<ChannelPolicy>(direct ?? "pairing");
  const wish = policyWish(channel, chosen.value);
  const undo: Undo | undefined =
    direct === undefined
      ? undefined
      : {
          title: "Set it back",
          make: async () => {
            const subject = await fresh("gateway.channels@1", {}, subjectOf(tag));
            return subject === undefined ? undefined : policyWish({ tag, subject, direct: chosen.peek() }, direct);
          },
        };
  return (
    <div class="stack mid">
      <ChoiceField
        id="channel-policy"
        label="Who may write directly"
        value={chosen}
        options={channelPolicies.map((policy) => [policy, policies[policy].word] as const)}
        hint={
          chosen.value === direct
            ? "As it is now."
            : wish.operation === "channel.tighten@1"
              ? "Stricter than now: one touch, from anywhere."
              : "More open than now: approved in the signer."
        }
      />
      <div class="acts">
        <Act wish={wish} undo={undo} why={chosen.value === direct ? "choose something else first" : undefined}>
          {wish.operation === "channel.tighten@1" ? "Tighten…" : "Loosen…"}
        </Act>
      </div>
    </div>
  );
}

function AllowForm({ channel: { tag, subject } }: { readonly channel: Channel }) {
  const sender = useSignal("");
  const typed = sender.value.trim();
  return (
    <div class="stack mid">
      <TextField
        id="channel-sender"
        label="Put a sender on the list"
        value={sender}
        maxLength={200}
        hint="As the channel names them: a number or a handle. It is sealed for the host."
      />
      <div class="acts">
        <Act
          wish={{
            operation: "channel.allow@1",
            args: { subject: tag },
            expect: { subject },
            content: { sender: typed },
          }}
          why={typed === "" ? "write a sender first" : undefined}
        >
          Allow…
        </Act>
      </div>
    </div>
  );
}

/** Channels: who may write to each account, as the configuration counts, and who asks. Who is who stays sealed. */
import type { ReadResult } from "../../../../protocol/reads.ts";
import { readSnapshot } from "../config-snapshot.ts";
import { settingsOf } from "../operations/channel-settings.ts";
import { ReadingError } from "../reading-error.ts";
import { channelName, channelSubject, senderName, senderRequestSubject } from "../subjects.ts";
import { field, isFields } from "../wire.ts";
import type { Asking } from "./asking.ts";
import { name, present, seconds, text } from "./shown.ts";

type Channels = ReadResult<"gateway.channels@1">;
export type Channel = Channels["channels"][number];

const MAX_CHANNELS = 50;
const MAX_ALLOWED = 200;
const MAX_WAITING = 50;
/** A gateway with more accounts than this is making them up. */
const MAX_ACCOUNTS = 1_000;

interface Account {
  readonly channel: string;
  readonly account: string;
  readonly row: unknown;
}

export async function readChannelList(asking: Asking): Promise<Channels> {
  const { wide, now } = asking;
  const accounts = accountsIn(await asking.ask("channels.status", { probe: false }));
  const requests = accounts.length === 0 ? [] : field(await wide.ask("channels.pairing.list"), "requests");
  if (!Array.isArray(requests)) throw new ReadingError("gateway");
  const channels = accounts.length === 0 ? [] : await channelsOf(asking, accounts.slice(0, MAX_CHANNELS), requests);
  return { at: now, channels, more: accounts.length > MAX_CHANNELS };
}

/** Without those that ask, which only an administrator's connection shows. */
export async function channelRules(asking: Asking): Promise<readonly Channel[]> {
  const accounts = accountsIn(await asking.ask("channels.status", { probe: false }));
  return accounts.length === 0 ? [] : channelsOf(asking, accounts.slice(0, MAX_CHANNELS), []);
}

async function channelsOf(
  { acting }: Asking,
  accounts: readonly Account[],
  requests: readonly unknown[],
): Promise<Channel[]> {
  const { tree } = await readSnapshot(await acting.connection());
  return accounts.map((account) => channelOf(account, { tree, requests, tags: acting.tags }));
}

function accountsIn(answer: unknown): readonly Account[] {
  const byChannel = field(answer, "channelAccounts");
  if (!isFields(byChannel)) throw new ReadingError("gateway");
  const found = Object.entries(byChannel).flatMap(([channel, rows]) =>
    (Array.isArray(rows) ? rows : []).flatMap((row: unknown) => {
      const account = field(row, "accountId");
      return typeof account === "string" && account !== "" ? [{ channel, account, row }] : [];
    }),
  );
  return found.slice(0, MAX_ACCOUNTS);
}

interface Around {
  readonly tree: unknown;
  readonly requests: readonly unknown[];
  readonly tags: Asking["acting"]["tags"];
}

function channelOf({ channel, account, row }: Account, { tree, requests, tags }: Around): Channel {
  const place = { channel, account };
  const settings = settingsOf(tree, place);
  const connected = field(row, "connected");
  const block = field(field(tree, "channels"), channel);
  const own = field(field(block, "accounts"), account);
  return {
    tag: tags.tag("channel", channelName(channel, account)),
    subject: channelSubject(place, settings),
    name: channel.slice(0, 200),
    configured: field(row, "configured") === true,
    running: field(row, "running") === true,
    allowed: (settings?.senders ?? []).slice(0, MAX_ALLOWED).map((sender) => ({
      tag: tags.tag("sender", senderName(channel, account, sender)),
      sender: sender.slice(0, 200),
    })),
    waiting: requests
      .filter((request) => field(request, "channel") === channel && field(request, "accountId") === account)
      .slice(0, MAX_WAITING)
      .flatMap((request) => waitingOf(request, tags) ?? []),
    ...present({
      account: name(account),
      connected: typeof connected === "boolean" ? connected : undefined,
      direct: settings?.policy,
      groups: text(field(own, "groupPolicy") ?? field(block, "groupPolicy"), 32),
    }),
  };
}

function waitingOf(request: unknown, tags: Around["tags"]): Channel["waiting"][number] | undefined {
  const id = field(request, "requestId");
  if (typeof id !== "string" || id === "") return undefined;
  return {
    tag: tags.tag("sender-request", id),
    subject: senderRequestSubject(request),
    sender: name(field(request, "senderId")) ?? "",
    ...present({ askedAt: askedAt(request) }),
  };
}

/** Written as a moment or as milliseconds. */
function askedAt(request: unknown): number | undefined {
  const at = field(request, "createdAt") ?? field(request, "createdAtMs") ?? field(request, "requestedAtMs");
  return seconds(typeof at === "string" ? Date.parse(at.slice(0, 40)) : at);
}

/**
 * Finds what an intent names by its tag. The host keeps no list of tags: each time it asks the gateway what there is,
 * tags it under its own key and compares, so that nothing stale is ever acted upon.
 */
import { digestOf } from "../../../../protocol/signing.ts";
import { utf8 } from "../../../../protocol/bytes.ts";
import { GatewayError } from "../faults.ts";
import type { Scope } from "../handshake.ts";
import { ownDeviceIds } from "../own-devices.ts";
import type { TagKind } from "../tags.ts";
import { field, isFields } from "../wire.ts";
import { act, MAX_ROWS, rowsOf, type Acting } from "./acting.ts";
import { executed, type GatewayImplementation, type GatewayTools } from "./implementation.ts";

/** One thing of the gateway. `id` is the gateway's own name of it and stays on this machine. */
export interface Thing {
  readonly id: string;
  readonly tag: string;
  readonly row: unknown;
  /** Digest of it as it is shown to people. */
  readonly subject: string;
}

export interface ChannelThing extends Thing {
  readonly channel: string;
  readonly account: string;
}

export type ExtensionKind = "plugin" | "skill";

/** The gateway's own ids are short; a longer one is no id. */
const MAX_ID_CHARACTERS = 512;

function idOf(row: unknown, key: string): string | undefined {
  const id = field(row, key);
  return typeof id === "string" && id.length > 0 && id.length <= MAX_ID_CHARACTERS ? id : undefined;
}

function things(
  acting: Acting,
  kind: TagKind,
  { rows, key }: { readonly rows: readonly unknown[]; readonly key: string },
): readonly Thing[] {
  return rows.flatMap((row) => {
    const id = idOf(row, key);
    if (id === undefined) return [];
    return [{ id, tag: acting.tags.tag(kind, id), row, subject: digestOf("subject", utf8(JSON.stringify(row))) }];
  });
}

function listIn(answer: unknown, key: string): readonly unknown[] {
  const list = field(answer, key);
  if (!Array.isArray(list)) throw new GatewayError("hostile", "LIST_SHAPE");
  return list.slice(0, MAX_ROWS);
}

const tagged = <T extends Thing>(found: readonly T[], tag: string): T | undefined =>
  found.find((thing) => thing.tag === tag);

export async function allJobs(acting: Acting): Promise<readonly Thing[]> {
  const rows = await rowsOf(acting, {
    method: "cron.list",
    parameters: { includeDisabled: true, limit: 200 },
    key: "jobs",
  });
  return things(acting, "job", { rows, key: "id" });
}

export async function jobNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  return tagged(await allJobs(acting), tag);
}

export async function allAgents(acting: Acting): Promise<readonly Thing[]> {
  const rows = listIn(await acting.ask("agents.list"), "agents");
  return things(acting, "agent", { rows, key: "id" });
}

export async function agentNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  return tagged(await allAgents(acting), tag);
}

export async function sessionNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  const rows = await rowsOf(acting, { method: "sessions.list", parameters: { limit: 200 }, key: "sessions" });
  return tagged(things(acting, "session", { rows, key: "key" }), tag);
}

export async function deviceNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  const rows = listIn(await acting.ask("device.pair.list"), "paired");
  return tagged(things(acting, "device", { rows, key: "deviceId" }), tag);
}

export async function deviceRequestNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  const rows = listIn(await acting.ask("device.pair.list"), "pending");
  return tagged(things(acting, "device-request", { rows, key: "requestId" }), tag);
}

export async function senderRequestNamed(acting: Acting, tag: string): Promise<ChannelThing | undefined> {
  const rows = listIn(await acting.ask("channels.pairing.list"), "requests");
  const found = tagged(things(acting, "sender-request", { rows, key: "requestId" }), tag);
  const channel = idOf(found?.row, "channel");
  const account = idOf(found?.row, "accountId");
  if (found === undefined || channel === undefined || account === undefined) return undefined;
  return { ...found, channel, account };
}

export async function channelNamed(acting: Acting, tag: string): Promise<ChannelThing | undefined> {
  const accounts = field(await acting.ask("channels.status"), "channelAccounts");
  if (!isFields(accounts)) throw new GatewayError("hostile", "LIST_SHAPE");
  for (const [channel, rows] of Object.entries(accounts)) {
    if (!Array.isArray(rows)) continue;
    for (const row of rows.slice(0, MAX_ROWS) as readonly unknown[]) {
      const account = idOf(row, "accountId");
      if (account === undefined || acting.tags.tag("channel", `${channel}\0${account}`) !== tag) continue;
      return { id: channel, channel, account, tag, row, subject: digestOf("subject", utf8(JSON.stringify(row))) };
    }
  }
  return undefined;
}

export function senderTag(acting: Acting, { channel, account }: ChannelThing, sender: string): string {
  return acting.tags.tag("sender", `${channel}\0${account}\0${sender}`);
}

export async function extensionNamed(acting: Acting, kind: ExtensionKind, tag: string): Promise<Thing | undefined> {
  const rows =
    kind === "plugin"
      ? listIn(await acting.ask("plugins.list"), "plugins")
      : listIn(await acting.ask("skills.status"), "skills");
  return tagged(things(acting, kind, { rows, key: kind === "plugin" ? "id" : "skillKey" }), tag);
}

export function ownDevices(tools: GatewayTools): ReadonlySet<string> {
  return ownDeviceIds(tools.directory);
}

/**
 * What an intent may pin of a thing, seen now; undefined where it is not there or cannot be seen. `scopes`: reading, where
 * that shows it; the devices of others are shown to administrators alone.
 */
export function subjectOf(
  scopes: readonly Scope[],
  find: (acting: Acting, args: Readonly<Record<string, unknown>>) => Promise<Thing | undefined>,
): NonNullable<GatewayImplementation["subject"]> {
  return async (args, tools) => {
    let subject: string | undefined;
    await act(tools, scopes, async (acting) => {
      subject = (await find(acting, args))?.subject;
      return executed();
    });
    return subject;
  };
}

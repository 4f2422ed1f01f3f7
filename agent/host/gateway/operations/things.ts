/**
 * Finds what an intent names by its tag. The host keeps no list of tags: each time it asks the gateway what there is,
 * tags it under its own key and compares, so that nothing stale is ever acted upon.
 */
import { GatewayError } from "../faults.ts";
import type { Scope } from "../handshake.ts";
import { ownDeviceIds } from "../own-devices.ts";
import { readSnapshot } from "../config-snapshot.ts";
import {
  agentSubject,
  channelName,
  channelSubject,
  deviceRequestSubject,
  deviceSubject,
  extensionSubject,
  jobSubject,
  senderName,
  senderRequestSubject,
} from "../subjects.ts";
import type { TagKind } from "../tags.ts";
import { field, isFields } from "../wire.ts";
import { act, MAX_ROWS, rowsOf, type Acting } from "./acting.ts";
import { settingsOf } from "./channel-settings.ts";
import { executed, type GatewayImplementation, type GatewayTools } from "./implementation.ts";

/** One thing of the gateway. `id` is the gateway's own name of it and stays on this machine. */
export interface Thing {
  readonly id: string;
  readonly tag: string;
  readonly row: unknown;
  /** What an intent pins of it; empty for what none pins. */
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

interface Listed {
  readonly kind: TagKind;
  readonly rows: readonly unknown[];
  /** Which member of a row is its id. */
  readonly key: string;
  /** Absent where nothing pins such a thing. */
  readonly subject?: (row: unknown) => string;
}

function things(acting: Acting, { kind, rows, key, subject }: Listed): readonly Thing[] {
  return rows.flatMap((row) => {
    const id = idOf(row, key);
    return id === undefined ? [] : [{ id, tag: acting.tags.tag(kind, id), row, subject: subject?.(row) ?? "" }];
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
  return things(acting, { kind: "job", rows, key: "id", subject: jobSubject });
}

export async function jobNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  return tagged(await allJobs(acting), tag);
}

export async function allAgents(acting: Acting): Promise<readonly Thing[]> {
  const rows = listIn(await acting.ask("agents.list"), "agents");
  return things(acting, { kind: "agent", rows, key: "id" });
}

export async function agentNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  const agent = tagged(await allAgents(acting), tag);
  if (agent === undefined) return undefined;
  const files = listIn(await acting.ask("agents.files.list", { agentId: agent.id }), "files");
  return { ...agent, subject: agentSubject(agent.row, files) };
}

export async function sessionNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  const rows = await rowsOf(acting, { method: "sessions.list", parameters: { limit: 200 }, key: "sessions" });
  return tagged(things(acting, { kind: "session", rows, key: "key" }), tag);
}

export async function deviceNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  const rows = listIn(await acting.ask("device.pair.list"), "paired");
  return tagged(things(acting, { kind: "device", rows, key: "deviceId", subject: deviceSubject }), tag);
}

export async function deviceRequestNamed(acting: Acting, tag: string): Promise<Thing | undefined> {
  const rows = listIn(await acting.ask("device.pair.list"), "pending");
  return tagged(things(acting, { kind: "device-request", rows, key: "requestId", subject: deviceRequestSubject }), tag);
}

export async function senderRequestNamed(acting: Acting, tag: string): Promise<ChannelThing | undefined> {
  const rows = listIn(await acting.ask("channels.pairing.list"), "requests");
  const found = tagged(
    things(acting, { kind: "sender-request", rows, key: "requestId", subject: senderRequestSubject }),
    tag,
  );
  const channel = idOf(found?.row, "channel");
  const account = idOf(found?.row, "accountId");
  if (found === undefined || channel === undefined || account === undefined) return undefined;
  return { ...found, channel, account };
}

export async function channelNamed(acting: Acting, tag: string): Promise<ChannelThing | undefined> {
  const accounts = field(await acting.ask("channels.status"), "channelAccounts");
  if (!isFields(accounts)) throw new GatewayError("hostile", "LIST_SHAPE");
  for (const [channel, rows] of Object.entries(accounts)) {
    for (const row of Array.isArray(rows) ? rows.slice(0, MAX_ROWS) : []) {
      const account = idOf(row, "accountId");
      if (account === undefined || acting.tags.tag("channel", channelName(channel, account)) !== tag) continue;
      const { tree } = await readSnapshot(await acting.connection());
      const subject = channelSubject({ channel, account }, settingsOf(tree, { channel, account }));
      return { id: channel, channel, account, tag, row, subject };
    }
  }
  return undefined;
}

export function senderTag(acting: Acting, { channel, account }: ChannelThing, sender: string): string {
  return acting.tags.tag("sender", senderName(channel, account, sender));
}

export async function extensionNamed(acting: Acting, kind: ExtensionKind, tag: string): Promise<Thing | undefined> {
  const rows =
    kind === "plugin"
      ? listIn(await acting.ask("plugins.list"), "plugins")
      : listIn(await acting.ask("skills.status"), "skills");
  return tagged(
    things(acting, {
      kind,
      rows,
      key: kind === "plugin" ? "id" : "skillKey",
      subject: (row) => extensionSubject(kind, row),
    }),
    tag,
  );
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

/**
 * What an intent pins of a thing of the gateway: a digest of everything about it that decides what an operation on it would
 * do. A reading gives the digest beside what it shows; the operation computes it again, with the same function, right
 * before it acts. What changes by itself (times, counters, whether it is connected) is left out: it would only make honest
 * people start again.
 */
import { utf8 } from "../../../protocol/bytes.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { field, isFields } from "./wire.ts";

/** Deeper than any row of a gateway, and not deep enough to exhaust our stack. */
const MAX_DEPTH = 32;

/** What the gateway's scheduler writes into a job by itself. Everything else, known or not, counts. */
const jobTimes = new Set([
  "state",
  "createdAtMs",
  "updatedAtMs",
  "nextRunAtMs",
  "lastRunAtMs",
  "lastRunStatus",
  "lastDeliveryStatus",
  "lastFailureNotificationDeliveryStatus",
  "configRevision",
  "deliveryPreview",
]);

/** With its words and its program, which a list does not show. */
export function jobSubject(row: unknown): string {
  return subjectOf("job", without(row, jobTimes));
}

/** `files`: as the gateway lists them; a file's size and time stand for what is in it. */
export function agentSubject(row: unknown, files: readonly unknown[]): string {
  const listed = files.map((file) => only(file, ["name", "missing", "size", "updatedAtMs"]));
  return subjectOf("agent", [only(row, ["id", "name", "model", "workspace", "defaultPermissionMode"]), listed]);
}

export function deviceSubject(row: unknown): string {
  return subjectOf(
    "device",
    only(row, ["deviceId", "publicKey", "displayName", "operatorLabel", "platform", "clientId", "roles", "scopes"]),
  );
}

/** All of it but when it was asked. */
export function deviceRequestSubject(row: unknown): string {
  return subjectOf("device-request", without(row, new Set(["ts", "requestedAtMs"])));
}

/** `rules`: the policy and the list as they count, not as they are spelled. */
export function channelSubject(
  place: { readonly channel: string; readonly account: string },
  rules: { readonly policy: string; readonly senders: readonly string[] } | undefined,
): string {
  return subjectOf("channel", [place.channel, place.account, rules?.policy, rules?.senders]);
}

export function senderRequestSubject(row: unknown): string {
  return subjectOf("sender-request", only(row, ["requestId", "channel", "accountId", "senderId", "metadata"]));
}

export function extensionSubject(kind: "plugin" | "skill" | "mcp", row: unknown): string {
  const names = ["id", "skillKey", "name", "version", "origin", "source", "packageName", "filePath"];
  const switches = ["enabled", "disabled"];
  return subjectOf(kind, only(row, [...names, ...switches]));
}

/** Under which name a channel account is tagged. */
export function channelName(channel: string, account: string): string {
  return `${channel}\0${account}`;
}

/** Under which name somebody on its list is tagged. */
export function senderName(channel: string, account: string, sender: string): string {
  return `${channelName(channel, account)}\0${sender}`;
}

function subjectOf(kind: string, value: unknown): string {
  return digestOf("subject", utf8(JSON.stringify([kind, ordered(value, 0)])));
}

function only(row: unknown, names: readonly string[]): unknown {
  return Object.fromEntries(names.map((name) => [name, field(row, name)]));
}

function without(row: unknown, names: ReadonlySet<string>): unknown {
  return isFields(row) ? Object.fromEntries(Object.entries(row).filter(([name]) => !names.has(name))) : undefined;
}

/** The same value in one spelling, whatever the order in which the gateway names its members. */
function ordered(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) return "deeper";
  if (Array.isArray(value)) return value.map((item) => ordered(item, depth + 1));
  if (!isFields(value)) return value;
  return Object.entries(value)
    .filter(([, inside]) => inside !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, inside]) => [name, ordered(inside, depth + 1)]);
}

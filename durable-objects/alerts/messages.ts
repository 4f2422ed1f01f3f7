/**
 * What leaves the edge about an alert: a signed webhook (Standard Webhooks 1.0) and a message to an ntfy topic. Ids,
 * labels and our own sentences; nothing that a gateway wrote, and no secret.
 */
import { alertWords } from "../../protocol/alert-words.ts";
import { alertSeverities, type AlertChannel, type Severity } from "../../protocol/alerts.ts";
import { webhookHeaders } from "../outbound/webhook.ts";
import type { StoredAlert } from "./alert-table.ts";

export const alertEvents = ["raised", "acknowledged", "resolved"] as const;
export type AlertEvent = (typeof alertEvents)[number];

export interface Target {
  readonly url: string;
  /** Webhook: `whsec_...`; ntfy: the access token, if it has one. */
  readonly secret?: string;
}

export interface Notice {
  readonly workspace: string;
  readonly event: AlertEvent;
  readonly alert: StoredAlert;
  /** The host's label in the trust log. */
  readonly label: string | undefined;
}

/** `id` is the same at every attempt, so that the far end can drop a repetition. */
export interface OutgoingMessage {
  readonly id: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `now`: seconds, of this attempt. */
export async function writeMessage(
  channel: AlertChannel,
  notice: Notice | "test",
  { target, now }: { readonly target: Target; readonly now: number },
): Promise<OutgoingMessage> {
  return channel === "webhook" ? writeWebhook(notice, target, now) : writeNtfy(notice, target);
}

async function writeWebhook(notice: Notice | "test", target: Target, now: number): Promise<OutgoingMessage> {
  const id = notice === "test" ? `msg_test_${now}` : `msg_${notice.alert.alert}_${notice.event}`;
  const body = JSON.stringify(notice === "test" ? testBody(now) : alertBody(notice));
  const signed = await webhookHeaders({ id, body, now }, [target.secret ?? ""]);
  return { id, body, headers: { "content-type": "application/json", ...signed } };
}

function testBody(now: number): object {
  return { type: "alert.test", timestamp: timeOf(now), data: { what: TEST_SENTENCE } };
}

function alertBody({ workspace, event, alert, label }: Notice): object {
  const { subject: _subject, ...facts } = alert;
  const severity = alertSeverities[alert.kind];
  const { what, next } = alertWords[alert.kind];
  const at = { raised: alert.raisedAt, acknowledged: alert.acknowledged?.at, resolved: alert.resolved?.at }[event];
  return {
    type: `alert.${event}`,
    timestamp: timeOf(at ?? alert.raisedAt),
    data: { workspace, ...facts, severity, what, next, ...(label === undefined ? {} : { hostLabel: label }) },
  };
}

const TEST_SENTENCE = "This is a test. Alerts of this workspace arrive here.";
/** ntfy: 5 is the loudest, 3 the default. */
const PRIORITIES = { critical: "5", warning: "4", notice: "3" } as const satisfies Record<Severity, string>;

function writeNtfy(notice: Notice | "test", { secret }: Target): OutgoingMessage {
  const authorization = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
  const plain = { "content-type": "text/plain; charset=utf-8", ...authorization };
  if (notice === "test")
    return { id: "test", body: TEST_SENTENCE, headers: { ...plain, title: "Clawhold: a test", priority: "3" } };
  const { event, alert, label } = notice;
  const severity = alertSeverities[alert.kind];
  const { what, next } = alertWords[alert.kind];
  const where = label === undefined ? "" : `${label}: `;
  return {
    id: `${alert.alert} ${event}`,
    body: `${where}${what}\n\n${next}`,
    headers: { ...plain, title: `Clawhold: alert ${event}, ${severity}`, priority: PRIORITIES[severity] },
  };
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

/** What an alert is about and what a setting does, in the few words that fit into a sentence of the ledger. Pure. */
import { isAlertKind, type AlertKind } from "../../../protocol/alerts.ts";
import type { AlertChange } from "../../../protocol/contracts/alerts.ts";

const alertWords = {
  "refusals.many": "many refusals",
  "witness.refused": "a refused witness",
  "witness.stalled": "a host that no longer witnesses",
  "witness.reset": "a host that forgot what it had seen",
  "ledger.rewritten": "a log that does not fit what was signed",
  "stream.failing": "a stream that does not arrive",
  "host.cloned": "a second machine with one host key",
  "receipts.forked": "two receipts under one number",
  "trust.forked": "two histories of who may do what",
  "certificate.ending": "a certificate near its end",
  "grant.ending": "roles near their end",
  "host.reset": "a host that was reset",
} as const satisfies Record<AlertKind, string>;

/** A page older than the kind says no more than that there was one. */
export function alertAbout(code: string | undefined): string | undefined {
  return code !== undefined && isAlertKind(code) ? alertWords[code] : undefined;
}

const settingWords = {
  alertWebhook: "said which webhook alerts are sent to",
  alertNtfy: "said which ntfy topic alerts are sent to",
  alertWebhookOff: "switched the webhook for alerts off",
  alertNtfyOff: "switched ntfy for alerts off",
  alertThresholds: "said how many refusals become an alert",
} as const satisfies Record<AlertChange["setting"], string>;

export function settingDone(setting: string | undefined): string {
  const known = Object.entries(settingWords).find(([name]) => name === setting);
  return known?.[1] ?? "changed a setting of the control plane";
}

/** What an alert is about, what a setting does, why an approval failed: few words that fit into a sentence. Pure. */
import { isAlertKind, type AlertKind } from "../../../protocol/alerts.ts";
import type { AlertChange } from "../../../protocol/contracts/alerts.ts";

const alertWords = {
  "refusals.many": "many refusals",
  "witness.refused": "a refused witness",
  "witness.stalled": "a host that no longer witnesses",
  "witness.reset": "a host that forgot what it had seen",
  "ledger.rewritten": "a log that does not fit what was signed",
  "stream.failing": "a stream that does not arrive",
  "address.banned": "an address that was banned",
  "host.cloned": "a second machine with one host key",
  "receipts.forked": "two receipts under one number",
  "trust.forked": "two histories of who may do what",
  "certificate.ending": "a certificate near its end",
  "grant.ending": "roles near their end",
  "host.reset": "a host that was reset",
  "gateway.exposed": "a gateway that others can reach",
  "exec.waiting": "a command that waits for an answer",
  "exec.flood": "too many commands that ask",
  "posture.drift": "a check that fails and passed before",
  "posture.drift-critical": "a critical check that fails and passed before",
  "posture.waiver-ending": "an accepted risk near its end",
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
  networkAdd: "added a network to a list of where from the control plane may be reached",
  networkRemove: "took a network off a list of where from the control plane may be reached",
} as const satisfies Record<AlertChange["setting"] | "networkAdd" | "networkRemove", string>;

export function settingDone(setting: string | undefined): string {
  const known = Object.entries(settingWords).find(([name]) => name === setting);
  return known?.[1] ?? "changed a setting of the control plane";
}

/** Rules of the edge alone; those that hosts share have their own sentences. */
const approvalFaults: ReadonlyMap<string, string> = new Map([
  ["approval_workspace", "it was for another workspace"],
  ["approval_session", "it was for another sign-in"],
  ["approval_endpoint", "it was for something else"],
  ["approval_change", "it was for another change"],
  ["approval_kind", "the touch was for something else"],
  ["approval_person", "somebody else's passkey was touched"],
  ["approval_late", "it was approved too long ago, or by a wrong clock"],
  ["approval_used", "it had been used already"],
  ["passkey_refused", "the new passkey did not prove itself"],
  ["passkey_exists", "the passkey was registered already"],
]);

export function approvalFault(code: string | undefined): string | undefined {
  return code === undefined ? undefined : approvalFaults.get(code);
}

/** What the touch was brought to. Names of the contracts; one that this page does not know is left out. */
const touchedFor: ReadonlyMap<string, string> = new Map([
  ["alertSettingsChange", "to change where alerts go"],
  ["erase", "to erase a personal value"],
  ["exportStart", "for a copy of the log"],
  ["hostInvite", "for a join file"],
  ["networksChange", "to change the networks"],
  ["passkey", "for a new passkey"],
  ["retentionChange", "to change how long the log is kept"],
  ["sessionEnd", "to end a sign-in"],
  ["streamChange", "to change a stream"],
]);

export function touchFor(endpoint: string | undefined): string {
  const words = endpoint === undefined ? undefined : touchedFor.get(endpoint);
  return words === undefined ? "" : ` ${words}`;
}

export function banSentence(ban: { readonly seconds: number; readonly times: number } | undefined): string {
  const why = "it failed to prove anything too often";
  if (ban === undefined) return `An address was banned: ${why}`;
  const again = ban.times > 1 ? `, time ${ban.times} in a row` : "";
  return `An address was banned for ${banLength(ban.seconds)}: ${why}${again}`;
}

function banLength(seconds: number): string {
  const [count, unit] = seconds < 3_600 ? [seconds / 60, "minute"] : [seconds / 3_600, "hour"];
  const whole = Math.max(1, Math.round(count));
  return `${whole} ${unit}${whole === 1 ? "" : "s"}`;
}

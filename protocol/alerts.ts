/**
 * Alerts: the closed registry of what can be wrong, and what one alert says. An alert is the edge's own word: it is
 * signed by nobody, commands nothing, and a hostile edge can leave it out. Holds no content, only ids and numbers.
 */
import * as v from "valibot";
import { count, digest, id, seconds } from "./fields.ts";
import { checkNames } from "./posture/ids.ts";

/** `critical`: somebody may be attacking. `warning`: will become a fault. `notice`: somebody should know. */
export const severities = ["critical", "warning", "notice"] as const;
export type Severity = (typeof severities)[number];

/** Wire format: add, never rename. What each says to a person stands in alert-words.ts. */
export const alertSeverities = {
  "refusals.many": "warning",
  "witness.refused": "critical",
  "witness.stalled": "warning",
  "witness.reset": "critical",
  "ledger.rewritten": "critical",
  "stream.failing": "warning",
  "address.banned": "warning",
  "host.cloned": "critical",
  "receipts.forked": "critical",
  "trust.forked": "critical",
  "certificate.ending": "warning",
  "grant.ending": "notice",
  "host.reset": "critical",
  "gateway.exposed": "critical",
  "exec.waiting": "notice",
  "exec.flood": "warning",
  "posture.drift": "warning",
  "posture.drift-critical": "critical",
  "posture.waiver-ending": "notice",
} as const satisfies Readonly<Record<string, Severity>>;
export type AlertKind = keyof typeof alertSeverities;
export const alertKindNames = Object.keys(alertSeverities) as readonly AlertKind[];

export function isAlertKind(text: string): text is AlertKind {
  return Object.hasOwn(alertSeverities, text);
}

/** What refusals are counted by. `rule`: the code of the refusal, whoever it was. */
export const rateKinds = ["host", "session", "rule"] as const;
export type RateKind = (typeof rateKinds)[number];

/** A host's id, a session's digest, or a refusal's code. */
const rateName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,64}$/));

/** A checkpoint by its numbers: how long the log was, and its root. */
const viewSchema = v.strictObject({ size: count, root: digest });

/** Numbers and ids that make one alert understandable; which are there depends on its kind. */
export const alertDetailSchema = v.strictObject({
  /** Refusals: what they have in common, and how many. */
  by: v.optional(v.picklist(rateKinds)),
  name: v.optional(rateName),
  refusals: v.optional(count),
  windowSeconds: v.optional(count),
  /** When the certificate or grant ends, seconds. */
  until: v.optional(seconds),
  /** Place of the fork in the trust log, or number of the receipt. */
  place: v.optional(count),
  /** Two views of the activity log: what was held before, and what was shown. */
  held: v.optional(viewSchema),
  shown: v.optional(viewSchema),
  stream: v.optional(id),
  /** The check of a host that fails now and passed before. */
  check: v.optional(v.picklist(checkNames)),
});
export type AlertDetail = v.InferOutput<typeof alertDetailSchema>;

export const alertStates = ["open", "acknowledged", "resolved"] as const;
export type AlertState = (typeof alertStates)[number];

export const alertChannels = ["webhook", "ntfy"] as const;
export type AlertChannel = (typeof alertChannels)[number];

/** Why a message did not arrive. Nothing that the far end wrote is kept. */
export const deliveryFaults = ["unreachable", "timeout", "redirect", "status", "gone", "target", "settings"] as const;
export type DeliveryFault = (typeof deliveryFaults)[number];

const deliverySchema = v.strictObject({
  channel: v.picklist(alertChannels),
  state: v.picklist(["waiting", "sent", "failed"]),
  attempts: count,
  fault: v.optional(v.picklist(deliveryFaults)),
  /** The next attempt while waiting, otherwise the last. */
  at: seconds,
});
export type AlertDelivery = v.InferOutput<typeof deliverySchema>;

/** `by` is absent where the edge saw for itself that the reason is gone. */
const stepSchema = v.strictObject({ at: seconds, by: v.optional(id) });

export const alertRowSchema = v.strictObject({
  alert: id,
  kind: v.picklist(alertKindNames),
  state: v.picklist(alertStates),
  host: v.optional(id),
  person: v.optional(id),
  session: v.optional(digest),
  detail: alertDetailSchema,
  raisedAt: seconds,
  /** The same thing happened again while the alert was not resolved: how often in all, and when last. */
  times: v.pipe(count, v.minValue(1)),
  lastAt: seconds,
  acknowledged: v.optional(stepSchema),
  resolved: v.optional(stepSchema),
  deliveries: v.array(deliverySchema),
});
export type AlertRow = v.InferOutput<typeof alertRowSchema>;

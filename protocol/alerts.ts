/**
 * Alerts: the closed registry of what can be wrong, and what one alert says. An alert is the edge's own word: it is
 * signed by nobody, commands nothing, and a hostile edge can leave it out. Holds no content, only ids and numbers.
 */
import * as v from "valibot";
import { count, digest, id, seconds } from "./fields.ts";

/** `critical`: somebody may be attacking. `warning`: will become a fault. `notice`: somebody should know. */
export const severities = ["critical", "warning", "notice"] as const;
export type Severity = (typeof severities)[number];

interface Entry {
  readonly severity: Severity;
  /** One plain sentence: what happened, and why it matters. */
  readonly what: string;
  readonly next: string;
}

/** Wire format: add, never rename. */
export const alertKinds = {
  "refusals.many": {
    severity: "warning",
    what: "More was refused than usual. A forgotten tab does this, and so does somebody who tries keys.",
    next: "Look in Activity who was refused and by which rule; end the session or take away the key if nobody knows it.",
  },
  "witness.refused": {
    severity: "critical",
    what: "A host refused to witness the activity log: what it was shown does not follow from what it saw before.",
    next: "Stop trusting this control plane's past. Compare it with an export from before: clawhold verify.",
  },
  "witness.stalled": {
    severity: "warning",
    what: "This host no longer witnesses the activity log: a receipt of its own was not shown to be in the log in time.",
    next: "Look in Activity for the missing number under this host. If it stays missing, something removes entries.",
  },
  "witness.reset": {
    severity: "critical",
    what: "Somebody with full power on this host made it forget what it had seen of the activity log.",
    next: "If you did not ask for it, compare the log with an export from before: clawhold verify.",
  },
  "ledger.rewritten": {
    severity: "critical",
    what: "The log in the database is shorter than, or different from, what was signed or what a host has seen. No checkpoint is signed until it fits again.",
    next: "If a backup was restored, restore a newer one. Otherwise somebody rewrote the past: compare with an export, clawhold verify.",
  },
  "stream.failing": {
    severity: "warning",
    what: "A far end that follows the activity log does not take entries. Nothing is lost: they wait, or are set aside to be sent again.",
    next: "Look at Streams what it answers, then let it resume.",
  },
  "address.banned": {
    severity: "warning",
    what: "An address failed to sign in so often that it was turned away for half an hour or longer.",
    next: "Nobody who is signed in is affected. Look at Networks which address it is; spare it if it is yours, deny it if it is not.",
  },
  "host.cloned": {
    severity: "critical",
    what: "A second machine connected with this host's key while the first was connected. It was turned away.",
    next: "If you did not copy or restore this machine, remove the host and join it again with new keys.",
  },
  "receipts.forked": {
    severity: "critical",
    what: "This host signed two different receipts under one number: its machine was restored from a copy, or copied.",
    next: "Find out which machine is the real one, then remove the host and join it again with new keys.",
  },
  "trust.forked": {
    severity: "critical",
    what: "This host was shown two histories of who may do what, and obeys neither.",
    next: "Open People in the signer and resolve the fork. Revoking still works until then.",
  },
  "certificate.ending": {
    severity: "warning",
    what: "The certificate by which this host connects ends soon, and it was not renewed.",
    next: "Look whether the agent on this host is running and up to date; otherwise join the host again.",
  },
  "grant.ending": {
    severity: "notice",
    what: "The roles of this person end soon.",
    next: "Open People in the signer and renew them, or let them end.",
  },
  "host.reset": {
    severity: "critical",
    what: "Somebody with full power on this host made it forget whom it obeys.",
    next: "If you did not ask for it, treat the machine as taken over. Otherwise admit it again as a new host.",
  },
} as const satisfies Record<string, Entry>;
export type AlertKind = keyof typeof alertKinds;
export const alertKindNames = Object.keys(alertKinds) as readonly AlertKind[];

export function isAlertKind(text: string): text is AlertKind {
  return Object.hasOwn(alertKinds, text);
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

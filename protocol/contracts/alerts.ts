/** Alerts: listed, acknowledged, resolved; how much is refused; and where alerts are sent. */
import * as v from "valibot";
import { alertChannels, alertRowSchema, deliveryFaults, rateKinds } from "../alerts.ts";
import { count, seconds } from "../fields.ts";
import { MAX_ALERT_REFUSALS, MAX_ALERTS_LISTED, MAX_TARGET_CHARACTERS } from "../limits.ts";
import { approvedChange } from "./edge-action.ts";
import { empty, NO_WRITE, ok, type Endpoint } from "./endpoint.ts";

const threshold = v.pipe(count, v.minValue(1), v.maxValue(MAX_ALERT_REFUSALS));
export const thresholdsSchema = v.strictObject({ minute: threshold, hour: threshold });
export type Thresholds = v.InferOutput<typeof thresholdsSchema>;

const targetUrl = v.pipe(v.string(), v.maxLength(MAX_TARGET_CHARACTERS), v.regex(/^https:\/\/[\x21-\x7e]+$/));
/** Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. */
export const WEBHOOK_SECRET = /^whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const alertChangeSchema = v.variant("setting", [
  v.strictObject({
    setting: v.literal("alertWebhook"),
    url: targetUrl,
    secret: v.pipe(v.string(), v.regex(WEBHOOK_SECRET)),
  }),
  v.strictObject({
    setting: v.literal("alertNtfy"),
    url: targetUrl,
    token: v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,256}$/))),
  }),
  v.strictObject({ setting: v.literal("alertWebhookOff") }),
  v.strictObject({ setting: v.literal("alertNtfyOff") }),
  v.strictObject({ setting: v.literal("alertThresholds"), thresholds: thresholdsSchema }),
]);
export type AlertChange = v.InferOutput<typeof alertChangeSchema>;

/** Address and secrets never come back: only where to (the name of the far end), and since when. */
const targetState = v.strictObject({ to: v.pipe(v.string(), v.maxLength(255)), since: seconds });
export const alertSettingsSchema = v.strictObject({
  webhook: v.optional(targetState),
  ntfy: v.optional(v.strictObject({ ...targetState.entries, token: v.boolean() })),
  thresholds: thresholdsSchema,
});
export type AlertSettings = v.InferOutput<typeof alertSettingsSchema>;

const rateSchema = v.strictObject({
  by: v.picklist(rateKinds),
  name: v.string(),
  minute: count,
  hour: count,
});
export const refusalRatesSchema = v.strictObject({
  /** All refusals of each of the last 60 minutes, oldest first; the last one still runs. */
  perMinute: v.pipe(v.array(count), v.length(60)),
  /** Highest first. */
  rates: v.pipe(v.array(rateSchema), v.maxLength(64)),
  thresholds: thresholdsSchema,
  now: seconds,
});
export type RefusalRates = v.InferOutput<typeof refusalRatesSchema>;

export const alertTestSchema = v.strictObject({
  results: v.array(
    v.strictObject({ channel: v.picklist(alertChannels), fault: v.optional(v.picklist(deliveryFaults)) }),
  ),
});
export type AlertTest = v.InferOutput<typeof alertTestSchema>;

export const alertEndpoints = {
  alerts: {
    method: "GET",
    path: "/api/alerts",
    access: "session",
    permission: "metadata.read",
    touch: NO_WRITE,
    /** Of hosts that one may see; what is not resolved first. */
    response: v.strictObject({
      alerts: v.pipe(v.array(alertRowSchema), v.maxLength(MAX_ALERTS_LISTED)),
      now: seconds,
    }),
  },
  alertAcknowledge: {
    method: "POST",
    path: "/api/alerts/:alert/acknowledge",
    access: "session",
    permission: "alert.acknowledge",
    touch: { needed: false, why: "says that somebody has taken it; changes nothing else, and is in the ledger" },
    request: empty,
    response: ok,
  },
  alertResolve: {
    method: "POST",
    path: "/api/alerts/:alert/resolve",
    access: "session",
    permission: "alert.acknowledge",
    touch: {
      needed: false,
      why: "closes a notice; what it told of is in the ledger, and raises it again if it goes on",
    },
    request: empty,
    response: ok,
  },
  refusalRates: {
    method: "GET",
    path: "/api/refusal-rates",
    access: "session",
    permission: "metadata.read",
    touch: NO_WRITE,
    response: refusalRatesSchema,
  },
  alertSettings: {
    method: "GET",
    path: "/api/alert-settings",
    access: "session",
    permission: "workspace.administer",
    touch: NO_WRITE,
    response: alertSettingsSchema,
  },
  alertSettingsChange: {
    method: "POST",
    path: "/api/alert-settings",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: true, why: "decides who is told of an attack, and where the edge may send to" },
    request: approvedChange(alertChangeSchema),
    response: alertSettingsSchema,
  },
  alertTest: {
    method: "POST",
    path: "/api/alert-settings/test",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: false, why: "sends one fixed sentence to where a touch said that alerts go" },
    request: empty,
    response: alertTestSchema,
  },
} as const satisfies Record<string, Endpoint>;

/** Where alerts go and when refusals become one. Addresses and secrets are kept sealed, and opened only to send. */
import * as v from "valibot";
import type { AlertChannel } from "../../protocol/alerts.ts";
import {
  thresholdsSchema,
  type AlertChange,
  type AlertSettings,
  type Thresholds,
} from "../../protocol/contracts/alerts.ts";
import { ALERT_REFUSALS_PER_HOUR, ALERT_REFUSALS_PER_MINUTE } from "../../protocol/limits.ts";
import type { Target } from "./messages.ts";
import type { Seals } from "../outbound/seal.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS alert_targets (
  channel TEXT PRIMARY KEY NOT NULL,
  sealed TEXT NOT NULL,
  far_end TEXT NOT NULL,
  has_token INTEGER NOT NULL,
  since INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS alert_thresholds (one INTEGER PRIMARY KEY CHECK (one = 1), thresholds TEXT NOT NULL);
`;

const DEFAULT_THRESHOLDS: Thresholds = { minute: ALERT_REFUSALS_PER_MINUTE, hour: ALERT_REFUSALS_PER_HOUR };
const targetSchema = v.strictObject({ url: v.string(), secret: v.optional(v.string()) });

type TargetRow = Record<string, SqlStorageValue> & {
  readonly channel: string;
  readonly sealed: string;
  readonly far_end: string;
  readonly has_token: number;
  readonly since: number;
};

export class AlertSettingsTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  /** `now`: seconds. Addresses were judged by the caller. */
  async change(change: AlertChange, { seals, now }: { readonly seals: Seals; readonly now: number }): Promise<void> {
    switch (change.setting) {
      case "alertWebhook":
        return this.#setTarget("webhook", { url: change.url, secret: change.secret }, { seals, now });
      case "alertNtfy": {
        const { url, token } = change;
        return this.#setTarget("ntfy", token === undefined ? { url } : { url, secret: token }, { seals, now });
      }
      case "alertWebhookOff":
        return this.#unset("webhook");
      case "alertNtfyOff":
        return this.#unset("ntfy");
      case "alertThresholds":
        this.#sql.exec("INSERT OR REPLACE INTO alert_thresholds VALUES (1, ?)", JSON.stringify(change.thresholds));
    }
  }

  summary(): AlertSettings {
    const [webhook, ntfy] = [this.#row("webhook"), this.#row("ntfy")];
    return {
      ...(webhook === undefined ? {} : { webhook: { to: webhook.far_end, since: webhook.since } }),
      ...(ntfy === undefined ? {} : { ntfy: { to: ntfy.far_end, since: ntfy.since, token: ntfy.has_token === 1 } }),
      thresholds: this.thresholds(),
    };
  }

  thresholds(): Thresholds {
    const [row] = this.#sql.exec<{ thresholds: string }>("SELECT thresholds FROM alert_thresholds").toArray();
    return row === undefined ? DEFAULT_THRESHOLDS : v.parse(thresholdsSchema, JSON.parse(row.thresholds));
  }

  channels(): readonly AlertChannel[] {
    return (["webhook", "ntfy"] as const).filter((channel) => this.#row(channel) !== undefined);
  }

  /** Undefined when it is not set, or was sealed with a key that this edge no longer has. */
  async target(channel: AlertChannel, seals: Seals): Promise<Target | undefined> {
    const row = this.#row(channel);
    const text = row === undefined ? undefined : await seals.open(channel, row.sealed);
    if (text === undefined) return undefined;
    const { url, secret } = v.parse(targetSchema, JSON.parse(text));
    return secret === undefined ? { url } : { url, secret };
  }

  async #setTarget(
    channel: AlertChannel,
    target: Target,
    { seals, now }: { readonly seals: Seals; readonly now: number },
  ): Promise<void> {
    const sealed = await seals.seal(channel, JSON.stringify(target));
    const hasToken = target.secret === undefined ? 0 : 1;
    const { host } = new URL(target.url);
    this.#sql.exec("INSERT OR REPLACE INTO alert_targets VALUES (?, ?, ?, ?, ?)", channel, sealed, host, hasToken, now);
  }

  #unset(channel: AlertChannel): void {
    this.#sql.exec("DELETE FROM alert_targets WHERE channel = ?", channel);
  }

  #row(channel: AlertChannel): TargetRow | undefined {
    return this.#sql.exec<TargetRow>("SELECT * FROM alert_targets WHERE channel = ?", channel).toArray()[0];
  }
}

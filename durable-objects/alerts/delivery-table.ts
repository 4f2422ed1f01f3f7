/** Messages about alerts that wait to be sent, and what became of the others. At least once, and not for ever. */
import type { AlertChannel, AlertDelivery, DeliveryFault } from "../../protocol/alerts.ts";
import type { AlertEvent } from "./messages.ts";

/** Seconds between attempts to deliver one message: eight attempts in under four hours, then it counts as failed. */
export const ALERT_RETRY_SECONDS: readonly number[] = [5, 30, 120, 600, 1_800, 3_600, 7_200];

export interface WaitingDelivery {
  readonly id: number;
  readonly alert: string;
  readonly event: AlertEvent;
  readonly channel: AlertChannel;
  readonly attempts: number;
}

type Row = Record<string, SqlStorageValue> & {
  readonly id: number;
  readonly alert: string;
  readonly event: string;
  readonly channel: string;
  readonly state: string;
  readonly attempts: number;
  readonly fault: string | null;
  readonly at: number;
};

const SCHEMA = `
CREATE TABLE IF NOT EXISTS alert_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  alert TEXT NOT NULL,
  event TEXT NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  fault TEXT,
  at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS alert_deliveries_due ON alert_deliveries (state, at);
CREATE INDEX IF NOT EXISTS alert_deliveries_of ON alert_deliveries (alert);
`;

/** Sent in one wake of the object; the rest follows at once. */
const MAX_SENT_TOGETHER = 16;

export class DeliveryTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  add(message: Pick<WaitingDelivery, "alert" | "event" | "channel">, now: number): void {
    this.#sql.exec(
      "INSERT INTO alert_deliveries (alert, event, channel, state, attempts, at) VALUES (?, ?, ?, 'waiting', 0, ?)",
      message.alert,
      message.event,
      message.channel,
      now,
    );
  }

  due(now: number): readonly WaitingDelivery[] {
    return this.#sql
      .exec<Row>(
        "SELECT * FROM alert_deliveries WHERE state = 'waiting' AND at <= ? ORDER BY at, id LIMIT ?",
        now,
        MAX_SENT_TOGETHER,
      )
      .toArray()
      .map(({ id, alert, event, channel, attempts }) => ({
        id,
        alert,
        event: event as AlertEvent, // our own rows
        channel: channel as AlertChannel,
        attempts,
      }));
  }

  /** When the next message is due, seconds. */
  nextAt(): number | undefined {
    const [row] = this.#sql
      .exec<{ at: number | null }>("SELECT MIN(at) AS at FROM alert_deliveries WHERE state = 'waiting'")
      .toArray();
    return row?.at ?? undefined;
  }

  sent({ id, attempts }: WaitingDelivery, now: number): void {
    this.#set(id, { state: "sent", attempts: attempts + 1, at: now });
  }

  /** Waits longer each time; after the last attempt, or where no attempt can help, it has failed. */
  fault({ id, attempts }: WaitingDelivery, fault: DeliveryFault, now: number): "waiting" | "failed" {
    const wait = FINAL.has(fault) ? undefined : ALERT_RETRY_SECONDS[attempts];
    const state = wait === undefined ? "failed" : "waiting";
    this.#set(id, { state, attempts: attempts + 1, fault, at: now + (wait ?? 0) });
    return state;
  }

  /** The newest of each channel. */
  of(alert: string): readonly AlertDelivery[] {
    const rows = this.#sql.exec<Row>("SELECT * FROM alert_deliveries WHERE alert = ? ORDER BY id", alert).toArray();
    const newest = new Map(rows.map((row) => [row.channel, row]));
    return [...newest.values()].map(({ channel, state, attempts, fault, at }) => ({
      channel: channel as AlertChannel, // our own rows
      state: state as AlertDelivery["state"],
      attempts,
      ...(fault === null ? {} : { fault: fault as DeliveryFault }),
      at,
    }));
  }

  /** A channel that was switched off owes nothing any more. */
  drop(channel: AlertChannel): void {
    this.#sql.exec("DELETE FROM alert_deliveries WHERE channel = ? AND state = 'waiting'", channel);
  }

  forgetWithoutAlert(): void {
    this.#sql.exec("DELETE FROM alert_deliveries WHERE alert NOT IN (SELECT alert FROM alerts)");
  }

  #set(id: number, { state, attempts, fault, at }: Omit<AlertDelivery, "channel">): void {
    this.#sql.exec(
      "UPDATE alert_deliveries SET state = ?, attempts = ?, fault = ?, at = ? WHERE id = ?",
      state,
      attempts,
      fault ?? null,
      at,
      id,
    );
  }
}

/** The far end has said that it is gone, or what we keep cannot be used: trying again changes nothing. */
const FINAL: ReadonlySet<DeliveryFault> = new Set<DeliveryFault>(["gone", "target", "settings"]);

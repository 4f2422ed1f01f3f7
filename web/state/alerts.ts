/**
 * Alerts as the pages show them. They are the edge's word: nobody signs them, and a hostile edge can leave one out. May
 * not: hold an address or a secret of where alerts are sent, beyond what the person just typed.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { AlertRow, Severity } from "../../protocol/alerts.ts";
import type { AlertChange, AlertSettings, AlertTest, RefusalRates } from "../../protocol/contracts/alerts.ts";
import type { Loadable, Result, Stop, TouchStep } from "./backend.ts";

export interface AlertView extends AlertRow {
  readonly severity: Severity;
  /** Of `host`, from the verified trust log; absent: the host is not in it. */
  readonly hostLabel?: string;
  /** Names of `person` and of whoever acknowledged or resolved it, where their commitments fit. */
  readonly names: ReadonlyMap<string, string>;
  /** This person may acknowledge and resolve it. */
  readonly mayAct: boolean;
}

export interface AlertDesk {
  /** What is not resolved first, then newest first. */
  readonly list: ReadonlySignal<Loadable<readonly AlertView[]>>;
  /** How many nobody has acknowledged. */
  readonly open: ReadonlySignal<number>;
  readonly rates: ReadonlySignal<Loadable<RefusalRates>>;
  readonly settings: ReadonlySignal<Loadable<AlertSettings>>;
  /** This person may say where alerts are sent. */
  readonly mayConfigure: ReadonlySignal<boolean>;

  /** Keeps the list new while somebody may see the count of it. */
  watch(): Stop;
  /** Keeps the rates new while somebody looks at them. */
  watchRates(): Stop;
  loadSettings(): Promise<void>;
  acknowledge(alert: string): Promise<Result<undefined>>;
  resolve(alert: string): Promise<Result<undefined>>;
  /** One touch over exactly this change. Call from the click. */
  change(change: AlertChange): AsyncIterable<TouchStep>;
  sendTest(): Promise<Result<AlertTest["results"]>>;
  /** A secret for a webhook, made here: `whsec_` and 32 random bytes. */
  freshSecret(): string;
}

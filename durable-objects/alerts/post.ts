/** Carries out what alerts still owe: entries to the ledger, messages to the far ends. All of it is in the tables. */
import type { AlertTest } from "../../protocol/contracts/alerts.ts";
import type { AlertChannel, DeliveryFault } from "../../protocol/alerts.ts";
import { edgeSeconds } from "../clock.ts";
import { LedgerUnavailable, type AppendEntry } from "../ledger-client.ts";
import { logFault, logStep } from "../log.ts";
import type { AlertTable, StoredAlert } from "./alert-table.ts";
import type { DeliveryTable, WaitingDelivery } from "./delivery-table.ts";
import type { AlertEvent, Notice } from "./messages.ts";
import type { FetchOut } from "../outbound/post-out.ts";
import type { Seals } from "../outbound/seal.ts";
import { attemptDelivery } from "./send.ts";
import type { AlertSettingsTable } from "./settings.ts";

const LEDGER_RETRY_SECONDS = 10;

export interface PostDeps {
  readonly table: AlertTable;
  readonly deliveries: DeliveryTable;
  readonly settings: AlertSettingsTable;
  readonly append: (workspace: string) => AppendEntry;
  readonly seals: (workspace: string) => Seals;
  /** What the trust log calls a host. */
  readonly labelOf: (workspace: string, host: string) => Promise<string | undefined>;
  readonly fetchOut: FetchOut;
}

export class Post {
  readonly #deps: PostDeps;
  /** In memory only: a new object simply tries again at once. Seconds. */
  #ledgerRetryAt = 0;

  constructor(deps: PostDeps) {
    this.#deps = deps;
  }

  /** When there is something to do, seconds; undefined: nothing waits. */
  nextAt(now: number): number | undefined {
    const { table, deliveries } = this.#deps;
    const message = deliveries.nextAt();
    if (table.owed().length === 0) return message;
    return Math.min(Math.max(this.#ledgerRetryAt, now), message ?? Infinity);
  }

  /** Never rejects; what fails stays, and is due later. */
  async work(workspace: string): Promise<void> {
    try {
      await this.writeOwed(workspace);
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) logFault("alerts_owed", error);
      this.#ledgerRetryAt = edgeSeconds() + LEDGER_RETRY_SECONDS;
    }
    await Promise.all(this.#deps.deliveries.due(edgeSeconds()).map((message) => this.#deliver(workspace, message)));
  }

  /** In order; appends are idempotent. @throws {LedgerUnavailable} */
  async writeOwed(workspace: string): Promise<void> {
    const { table, append } = this.#deps;
    for (let owed = table.owed(); owed.length > 0; owed = table.owed()) {
      for (const { id, draft } of owed) {
        await append(workspace)(draft);
        table.settle(id);
      }
    }
  }

  /** One fixed sentence to every far end, now, without a retry. */
  async test(workspace: string): Promise<AlertTest["results"]> {
    return Promise.all(
      this.#deps.settings.channels().map(async (channel) => {
        const fault = await this.#attempt(workspace, channel, "test");
        return fault === undefined ? { channel } : { channel, fault };
      }),
    );
  }

  /** One far end must not keep the others from hearing. */
  async #deliver(workspace: string, message: WaitingDelivery): Promise<void> {
    const { table, deliveries } = this.#deps;
    const { channel, event } = message;
    const alert = table.find(message.alert);
    if (alert === undefined) return deliveries.forgetWithoutAlert();
    const fault = await this.#attempt(workspace, channel, await this.#notice(workspace, alert, event));
    if (fault === undefined) return deliveries.sent(message, edgeSeconds());
    const state = deliveries.fault(message, fault, edgeSeconds());
    logStep("alert-not-sent", { alert: alert.alert, channel, fault, state });
  }

  async #notice(workspace: string, alert: StoredAlert, event: AlertEvent): Promise<Notice> {
    const { host } = alert;
    return { workspace, event, alert, label: host === undefined ? undefined : await this.#label(workspace, host) };
  }

  /** An alert without the host's label is better than none. */
  async #label(workspace: string, host: string): Promise<string | undefined> {
    try {
      return await this.#deps.labelOf(workspace, host);
    } catch (error) {
      logFault("alert_label", error, { host });
      return undefined;
    }
  }

  async #attempt(
    workspace: string,
    channel: AlertChannel,
    notice: Notice | "test",
  ): Promise<DeliveryFault | undefined> {
    const { settings, seals, fetchOut } = this.#deps;
    try {
      const target = await settings.target(channel, seals(workspace));
      if (target === undefined) return "settings";
      return await attemptDelivery({ channel, notice, target, now: edgeSeconds() }, fetchOut);
    } catch (error) {
      logFault("alert_delivery", error, { channel });
      return "settings";
    }
  }
}

/** Alerts of this workspace, polled while somebody looks, with names from the verified trust log and nowhere else. */
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { alertSeverities, type AlertRow } from "../../protocol/alerts.ts";
import type { AlertChange, AlertSettings, AlertTest, RefusalRates } from "../../protocol/contracts/alerts.ts";
import { hasPermission, type TrustState } from "../../protocol/trust/state.ts";
import type { AlertDesk, AlertView } from "../state/alerts.ts";
import type { Loadable, Result, Stop, TouchStep } from "../state/backend.ts";
import { hostLabelIn } from "../state/people.ts";
import { approveChange, type EdgeActionDeps } from "./edge-action.ts";
import type { EdgeClient } from "./http.ts";
import { load, Poll } from "./poll.ts";
import { freshWebhookSecret } from "./random.ts";
import { CANCELLED, resultOf, troubleOf } from "./trouble.ts";

export interface AlertsDeps extends EdgeActionDeps {
  readonly client: EdgeClient;
}

export class Alerts implements AlertDesk {
  readonly #deps: AlertsDeps;
  readonly #rows: Signal<Loadable<readonly AlertRow[]>> = signal({ state: "loading" });
  readonly #rates: Signal<Loadable<RefusalRates>> = signal({ state: "loading" });
  readonly #settings: Signal<Loadable<AlertSettings>> = signal({ state: "loading" });
  readonly #listPoll = new Poll(() => this.#loadList());
  readonly #ratesPoll = new Poll(() => this.#loadRates());

  readonly list: ReadonlySignal<Loadable<readonly AlertView[]>>;
  readonly open: ReadonlySignal<number>;
  readonly mayConfigure: ReadonlySignal<boolean>;

  constructor(deps: AlertsDeps) {
    this.#deps = deps;
    this.list = computed(() => {
      const rows = this.#rows.value;
      return rows.state === "ready" ? { state: "ready", value: rows.value.map((row) => this.#view(row)) } : rows;
    });
    this.open = computed(() => {
      const rows = this.#rows.value;
      return rows.state === "ready" ? rows.value.filter(({ state }) => state === "open").length : 0;
    });
    this.mayConfigure = computed(() => this.#may("workspace.administer", undefined));
  }

  get rates(): ReadonlySignal<Loadable<RefusalRates>> {
    return this.#rates;
  }

  get settings(): ReadonlySignal<Loadable<AlertSettings>> {
    return this.#settings;
  }

  forget(): void {
    for (const part of [this.#rows, this.#rates, this.#settings]) part.value = { state: "loading" };
  }

  watch(): Stop {
    return this.#listPoll.watch();
  }

  watchRates(): Stop {
    return this.#ratesPoll.watch();
  }

  async loadSettings(): Promise<void> {
    await load(this.#settings, () => this.#deps.client.call("alertSettings"));
  }

  acknowledge(alert: string): Promise<Result<undefined>> {
    return this.#step("alertAcknowledge", alert);
  }

  resolve(alert: string): Promise<Result<undefined>> {
    return this.#step("alertResolve", alert);
  }

  async *change(change: AlertChange): AsyncGenerator<TouchStep> {
    try {
      yield { kind: "touch", purpose: "approve" };
      const body = await approveChange(this.#deps, "alertSettingsChange", change);
      yield { kind: "sending" };
      this.#settings.value = { state: "ready", value: await this.#deps.client.call("alertSettingsChange", { body }) };
      yield { kind: "done" };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }

  sendTest(): Promise<Result<AlertTest["results"]>> {
    return resultOf(async () => (await this.#deps.client.call("alertTest", { body: {} })).results);
  }

  freshSecret(): string {
    return freshWebhookSecret();
  }

  #step(endpoint: "alertAcknowledge" | "alertResolve", alert: string): Promise<Result<undefined>> {
    return resultOf(async () => {
      await this.#deps.client.call(endpoint, { params: { alert }, body: {} });
      await this.#loadList();
      return undefined;
    });
  }

  async #loadList(): Promise<void> {
    await load(this.#rows, async () => {
      const { alerts, now } = await this.#deps.client.call("alerts");
      this.#deps.clock.set(now);
      return alerts;
    });
  }

  async #loadRates(): Promise<void> {
    await load(this.#rates, () => this.#deps.client.call("refusalRates"));
  }

  #view(row: AlertRow): AlertView {
    const { trust } = this.#deps;
    const { host, kind } = row;
    const state = trust.state.value;
    const hostLabel =
      host === undefined || state === undefined ? undefined : hostLabelIn({ state, applied: trust.applied }, host);
    const people = [row.person, row.acknowledged?.by, row.resolved?.by].filter((id) => id !== undefined);
    const names = people.flatMap((id) => {
      const name = trust.nameOf(id);
      return name === undefined ? [] : [[id, name] as const];
    });
    return {
      ...row,
      severity: alertSeverities[kind],
      ...(hostLabel === undefined ? {} : { hostLabel }),
      names: new Map(names),
      mayAct: this.#may("alert.acknowledge", host),
    };
  }

  /** What the edge and this page both judge; the edge's answer is the one that counts. */
  #may(permission: "alert.acknowledge" | "workspace.administer", host: string | undefined): boolean {
    const { trust, session, clock } = this.#deps;
    const state: TrustState | undefined = trust.state.value;
    const person = session()?.person;
    if (state === undefined || person === undefined) return false;
    const wanted = { permission, now: clock.now(), ...(host === undefined ? {} : { host }) };
    return hasPermission(state, person, wanted);
  }
}

/**
 * The alerts of one workspace: raised by whoever notices, acknowledged and resolved by people, each step in the ledger,
 * sent by webhook and ntfy with retries. Also counts refusals, and looks daily for what will end soon. Commands nothing
 * and decides nothing: what is alerted of has happened, or been refused, without it.
 */
import { DurableObject } from "cloudflare:workers";
import type { AlertRow } from "../protocol/alerts.ts";
import type { AlertChange, AlertSettings, AlertTest, RefusalRates } from "../protocol/contracts/alerts.ts";
import type { LedgerDraft } from "../protocol/ledger.ts";
import { MAX_ALERTS_LISTED } from "../protocol/limits.ts";
import { AlertTable, type NewAlert, type StoredAlert } from "./alerts/alert-table.ts";
import { DeliveryTable } from "./alerts/delivery-table.ts";
import { endingKinds, findEndings } from "./alerts/endings.ts";
import type { AlertEvent } from "./alerts/messages.ts";
import { Post } from "./alerts/post.ts";
import { exceeds, OTHERS, RefusalCounts, type Rate, type Refusal } from "./alerts/refusal-counts.ts";
import { wayOut } from "./outbound/post-out.ts";
import { Seals } from "./outbound/seal.ts";
import { AlertSettingsTable } from "./alerts/settings.ts";
import { edgeSeconds, randomId } from "./clock.ts";
import { openDatabase, type Database } from "./db/database.ts";
import { certificatesInUse } from "./db/certificate-rows.ts";
import { trustLogOf, type TrustLog } from "./db/trust-log.ts";
import type { Env } from "./env.ts";
import { LedgerUnavailable, ledgerOf } from "./ledger-client.ts";
import { logFault, logStep } from "./log.ts";

/** A resolved alert is kept for the page, not for ever: the ledger is the record. */
const MAX_RESOLVED_KEPT = 1_000;
const DAY_SECONDS = 86_400;
/** Hosts that all come back at once ask for one look together; a look that failed is repeated after as long. */
const LOOK_PAUSE_SECONDS = 60;

export type StepResult = "done" | "unknown" | "ledger_unavailable";

export interface PersonStep {
  readonly alert: string;
  readonly person: string;
  readonly sourceIp?: string;
}

export class Alerts extends DurableObject<Env> {
  /** Durable. */
  readonly #table: AlertTable;
  readonly #deliveries: DeliveryTable;
  readonly #settings: AlertSettingsTable;
  readonly #counts: RefusalCounts;
  readonly #db: Database;
  /** Rebuilt: verified again from D1. */
  readonly #trust: TrustLog;
  /** In memory only: a new object looks again at the first call. */
  #lookedAt = 0;
  /** In memory only: what it works on is in the tables. */
  readonly #post: Post;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    const { sql } = state.storage;
    this.#table = new AlertTable(sql);
    this.#deliveries = new DeliveryTable(sql);
    this.#settings = new AlertSettingsTable(sql);
    this.#counts = new RefusalCounts(sql);
    this.#db = openDatabase(env.DB);
    this.#trust = trustLogOf(this.#db);
    this.#post = new Post({
      table: this.#table,
      deliveries: this.#deliveries,
      settings: this.#settings,
      append: (workspace) => ledgerOf(env, workspace),
      seals: (workspace) => this.#seals(workspace),
      labelOf: async (workspace, host) => (await this.#trust.current(workspace))?.hosts.get(host)?.label,
      fetchOut: wayOut(env),
    });
  }

  // ---- what happened ----

  /** The id of the alert; idempotent while one of this kind and subject is not resolved. */
  async raise(workspace: string, alert: NewAlert): Promise<string> {
    this.#table.identify(workspace);
    const id = this.#raise(alert, edgeSeconds());
    await this.#plan();
    return id;
  }

  /** It goes on: raised anew when somebody resolved it too early, and otherwise neither counted nor told again. */
  async keep(workspace: string, alert: NewAlert): Promise<void> {
    this.#table.identify(workspace);
    if (!this.#table.live(alert.kind).some(({ subject }) => subject === alert.subject))
      this.#raise(alert, edgeSeconds());
    await this.#plan();
  }

  /** The reason is gone: the edge has seen it for itself. */
  async settle(workspace: string, { kind, subject }: Pick<NewAlert, "kind" | "subject">): Promise<void> {
    this.#table.identify(workspace);
    for (const alert of this.#table.live(kind)) if (alert.subject === subject) this.#settle(alert, edgeSeconds());
    await this.#plan();
  }

  async countRefusal(workspace: string, refusal: Refusal): Promise<void> {
    this.#table.identify(workspace);
    const now = edgeSeconds();
    const thresholds = this.#settings.thresholds();
    for (const rate of this.#counts.add(refusal, now)) {
      const detail = exceeds(rate, thresholds);
      if (detail !== undefined) this.#raise(tooMany(rate, detail), now);
    }
    await this.#plan();
  }

  /** Asks for a look at what ends soon: a host came, or a day has passed. */
  async look(workspace: string): Promise<void> {
    this.#table.identify(workspace);
    await this.#look(workspace, LOOK_PAUSE_SECONDS);
    await this.#plan();
  }

  // ---- calls of the Worker ----

  async list(workspace: string): Promise<AlertRow[]> {
    this.#table.identify(workspace);
    await this.#look(workspace, DAY_SECONDS);
    await this.#plan();
    return this.#table.list(MAX_ALERTS_LISTED).map(({ subject: _subject, ...alert }) => ({
      ...alert,
      deliveries: [...this.#deliveries.of(alert.alert)],
    }));
  }

  acknowledge(workspace: string, step: PersonStep): Promise<StepResult> {
    return this.#step(workspace, step, "acknowledged");
  }

  resolve(workspace: string, step: PersonStep): Promise<StepResult> {
    return this.#step(workspace, step, "resolved");
  }

  /** The host that an alert is about, so that the caller can judge the scope; undefined: no such alert. */
  about(workspace: string, alert: string): { readonly host?: string } | undefined {
    this.#table.identify(workspace);
    const found = this.#table.find(alert);
    if (found === undefined) return undefined;
    return found.host === undefined ? {} : { host: found.host };
  }

  rates(workspace: string): RefusalRates {
    this.#table.identify(workspace);
    const now = edgeSeconds();
    return {
      perMinute: [...this.#counts.perMinute(now)],
      rates: [...this.#counts.rates(now)],
      thresholds: this.#settings.thresholds(),
      now,
    };
  }

  settings(workspace: string): AlertSettings {
    this.#table.identify(workspace);
    return this.#settings.summary();
  }

  /** The caller has judged who asks, and written it to the ledger. */
  async change(workspace: string, change: AlertChange): Promise<AlertSettings> {
    this.#table.identify(workspace);
    await this.#settings.change(change, { seals: this.#seals(workspace), now: edgeSeconds() });
    if (change.setting === "alertWebhookOff") this.#deliveries.drop("webhook");
    if (change.setting === "alertNtfyOff") this.#deliveries.drop("ntfy");
    await this.#plan();
    return this.#settings.summary();
  }

  async sendTest(workspace: string): Promise<AlertTest> {
    this.#table.identify(workspace);
    return { results: [...(await this.#post.test(workspace))] };
  }

  override async alarm(): Promise<void> {
    const workspace = this.#table.workspace();
    if (workspace === undefined) return;
    await this.#look(workspace, DAY_SECONDS);
    await this.#post.work(workspace);
    await this.#plan();
  }

  // ---- inside: steps ----

  #raise(alert: NewAlert, now: number): string {
    const known = this.#table.again(alert, now);
    if (known !== undefined) return known.alert;
    const id = randomId("a");
    const { kind, host, person } = alert;
    this.#table.insert(id, alert, now);
    this.#table.owe({
      actor: { kind: "edge" },
      action: "alert.raised",
      ...targetOf({ host, person }),
      detail: { alert: id, code: kind },
      subject: id,
    });
    this.#tell(id, "raised", now);
    logStep("alert-raised", { alert: id, kind, host });
    return id;
  }

  #settle({ alert, host, person }: StoredAlert, now: number): void {
    if (!this.#table.resolve(alert, { at: now })) return;
    this.#table.owe({
      actor: { kind: "edge" },
      action: "alert.resolved",
      ...targetOf({ host, person }),
      detail: { alert },
      subject: alert,
    });
    this.#tell(alert, "resolved", now);
    this.#forget();
  }

  /** The entry first: what is not in the ledger has not happened. Of two at once the ledger takes the first. */
  async #step(
    workspace: string,
    { alert, person, sourceIp }: PersonStep,
    event: "acknowledged" | "resolved",
  ): Promise<StepResult> {
    this.#table.identify(workspace);
    const known = this.#table.find(alert);
    if (known === undefined) return "unknown";
    if (known.state === "resolved" || known.state === event) return "done";
    const draft: LedgerDraft = {
      actor: { kind: "person", id: person },
      action: `alert.${event}`,
      ...targetOf({ host: known.host, person: known.person }),
      detail: { alert },
      subject: alert,
      ...(sourceIp === undefined ? {} : { sourceIp }),
    };
    try {
      await this.#post.writeOwed(workspace); // raised comes before acknowledged
      await ledgerOf(this.env, workspace)(draft);
    } catch (error) {
      if (error instanceof LedgerUnavailable) return "ledger_unavailable";
      throw error;
    }
    const now = edgeSeconds();
    const changed =
      event === "acknowledged"
        ? this.#table.acknowledge(alert, { at: now, by: person })
        : this.#table.resolve(alert, { at: now, by: person });
    if (changed) this.#tell(alert, event, now);
    this.#forget();
    await this.#plan();
    return "done";
  }

  /** A phone rings for what is new; the webhook's far end keeps its own list, and hears of every step. */
  #tell(alert: string, event: AlertEvent, now: number): void {
    for (const channel of this.#settings.channels())
      if (channel === "webhook" || event === "raised") this.#deliveries.add({ alert, event, channel }, now);
  }

  #forget(): void {
    this.#table.forgetResolvedBeyond(MAX_RESOLVED_KEPT);
    this.#deliveries.forgetWithoutAlert();
  }

  /** One alarm for everything that waits. What was just written commits with it. */
  async #plan(): Promise<void> {
    const now = edgeSeconds();
    const next = Math.min(this.#post.nextAt(now) ?? Infinity, this.#lookedAt + DAY_SECONDS);
    const at = Math.max(next, now) * 1_000;
    if ((await this.ctx.storage.getAlarm()) !== at) await this.ctx.storage.setAlarm(at);
  }

  // ---- inside: looking ----

  async #look(workspace: string, pauseSeconds: number): Promise<void> {
    const now = edgeSeconds();
    if (now - this.#lookedAt < pauseSeconds) return;
    this.#lookedAt = now;
    try {
      const [trust, certificates] = await Promise.all([
        this.#trust.current(workspace),
        certificatesInUse(this.#db, workspace),
      ]);
      if (trust === undefined) return;
      const endings = findEndings({ trust, certificates, now });
      for (const kind of endingKinds) {
        const ending = endings.filter((alert) => alert.kind === kind);
        const live = this.#table.live(kind);
        for (const alert of ending) if (!live.some(({ subject }) => subject === alert.subject)) this.#raise(alert, now);
        for (const alert of live)
          if (!ending.some(({ subject }) => subject === alert.subject)) this.#settle(alert, now);
      }
    } catch (error) {
      this.#lookedAt = now - DAY_SECONDS + LOOK_PAUSE_SECONDS;
      logFault("alerts_look", error);
    }
  }

  #seals(workspace: string): Seals {
    return new Seals(this.env.SETTINGS_KEY, workspace);
  }
}

function tooMany(
  { by, name }: Rate,
  measured: { readonly refusals: number; readonly windowSeconds: number },
): NewAlert {
  const subject = `${by}:${name}`;
  const whose = name === OTHERS || by === "rule" ? {} : { [by]: name };
  return { kind: "refusals.many", subject, ...whose, detail: { by, name, ...measured } };
}

function targetOf({ host, person }: { readonly host: string | undefined; readonly person: string | undefined }): {
  readonly target?: string;
} {
  const target = host ?? person;
  return target === undefined ? {} : { target };
}

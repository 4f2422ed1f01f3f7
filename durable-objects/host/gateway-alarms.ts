/**
 * What a host's figures mean for people who do not look: a gateway that is reachable from elsewhere, a command that waits
 * for an answer, a flood of such. Raised when it begins, taken back when it is over; each is the host's word, as good as
 * the rest of its figures. Only a change asks the alerts' object for anything.
 */
import type { Telemetry } from "../../protocol/telemetry.ts";
import type { Alarms } from "../alert-client.ts";
import { edgeSeconds } from "../clock.ts";
import type { NewAlert } from "../alerts/alert-table.ts";
import type { HostStore } from "./store.ts";

/** A host that makes things up must not fill the log: what it says beyond so many changes in an hour is not news. */
export const GATEWAY_ALARMS_PER_HOUR = 24;
const HOUR_SECONDS = 3_600;

type Kind = Extract<NewAlert["kind"], "gateway.exposed" | "exec.waiting" | "exec.flood">;

export class GatewayAlarms {
  readonly #alarms: Alarms;
  readonly #store: HostStore;
  /** Durable: which were raised and not taken back. */
  readonly #raised: Set<string>;
  #denied = 0;
  #hour = { since: 0, changes: 0 };

  constructor(alarms: Alarms, store: HostStore) {
    this.#alarms = alarms;
    this.#store = store;
    this.#raised = new Set((store.latest("gateway-alarms") ?? "").split(" ").filter((kind) => kind !== ""));
  }

  /** Judged before anything is waited for: the next figures may come meanwhile, and must find what these changed. */
  async heard(host: string, { gateway, questions }: Telemetry): Promise<void> {
    const isExposed = gateway.listens.some(({ loopback }) => !loopback);
    await Promise.all([
      this.#hold("gateway.exposed", host, isExposed),
      this.#hold("exec.waiting", host, (questions?.waiting ?? 0) > 0),
      this.#flood(host, questions?.deniedUnasked ?? 0),
    ]);
  }

  async #hold(kind: Kind, host: string, isSo: boolean): Promise<void> {
    if (this.#raised.has(kind) === isSo || !this.#isNews()) return;
    if (isSo) this.#raised.add(kind);
    else this.#raised.delete(kind);
    this.#store.setLatest("gateway-alarms", [...this.#raised].join(" "));
    if (isSo) await this.#alarms.keep({ kind, subject: host, host });
    else await this.#alarms.settle({ kind, subject: host });
  }

  #isNews(): boolean {
    const now = edgeSeconds();
    if (now - this.#hour.since >= HOUR_SECONDS) this.#hour = { since: now, changes: 0 };
    this.#hour.changes += 1;
    return this.#hour.changes <= GATEWAY_ALARMS_PER_HOUR;
  }

  /** The number only grows while the agent runs; a person says when it is over. */
  async #flood(host: string, denied: number): Promise<void> {
    const more = denied - this.#denied;
    this.#denied = denied;
    if (more > 0 && this.#isNews())
      await this.#alarms.raise({ kind: "exec.flood", subject: host, host, detail: { refusals: denied } });
  }
}

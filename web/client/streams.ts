/** Far ends that follow the log live: listed while somebody looks, changed by a touch over exactly the change. */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { DeliveryFault } from "../../protocol/alerts.ts";
import type { StreamChange, StreamRow } from "../../protocol/contracts/streams.ts";
import type { Loadable, Result, Stop, TouchStep } from "../state/backend.ts";
import type { StreamDesk, StreamView } from "../state/streams.ts";
import { approveChange, mayNow, type EdgeActionDeps } from "./edge-action.ts";
import type { EdgeClient } from "./http.ts";
import { load, Poll } from "./poll.ts";
import { freshWebhookSecret } from "./random.ts";
import { CANCELLED, resultOf, troubleOf } from "./trouble.ts";

export interface StreamsDeps extends EdgeActionDeps {
  readonly client: EdgeClient;
}

export class Streams implements StreamDesk {
  readonly #deps: StreamsDeps;
  readonly #rows: Signal<Loadable<readonly StreamView[]>> = signal({ state: "loading" });
  readonly #poll = new Poll(() => this.#load());
  readonly mayConfigure: ReadonlySignal<boolean>;

  constructor(deps: StreamsDeps) {
    this.#deps = deps;
    this.mayConfigure = mayNow(deps, "workspace.administer");
  }

  get list(): ReadonlySignal<Loadable<readonly StreamView[]>> {
    return this.#rows;
  }

  forget(): void {
    this.#rows.value = { state: "loading" };
  }

  watch(): Stop {
    return this.#poll.watch();
  }

  async *change(change: StreamChange): AsyncGenerator<TouchStep> {
    try {
      yield { kind: "touch", purpose: "approve" };
      const body = await approveChange(this.#deps, "streamChange", change);
      yield { kind: "sending" };
      const { streams } = await this.#deps.client.call("streamChange", { body });
      this.#rows.value = { state: "ready", value: streams.map(viewOf) };
      yield { kind: "done" };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }

  sendTest(stream: string): Promise<Result<DeliveryFault | undefined>> {
    return resultOf(async () => (await this.#deps.client.call("streamTest", { params: { stream }, body: {} })).fault);
  }

  replay(stream: string): Promise<Result<undefined>> {
    return resultOf(async () => {
      await this.#deps.client.call("streamReplay", { params: { stream }, body: {} });
      await this.#load();
      return undefined;
    });
  }

  freshSecret(): string {
    return freshWebhookSecret();
  }

  async #load(): Promise<void> {
    await load(this.#rows, async () => {
      const { streams, now } = await this.#deps.client.call("streams");
      this.#deps.clock.set(now);
      return streams.map(viewOf);
    });
  }
}

function viewOf(row: StreamRow): StreamView {
  return { ...row, behind: Math.max(0, row.head - row.cursor) };
}

/** The lists of networks and the bans: read while somebody looks, changed by a touch over exactly the change. */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { NetworkChange, Networks as Standing } from "../../protocol/contracts/networks.ts";
import type { Loadable, TouchStep } from "../state/backend.ts";
import type { NetworkDesk } from "../state/networks.ts";
import { approveChange, mayNow, type EdgeActionDeps } from "./edge-action.ts";
import type { EdgeClient } from "./http.ts";
import { load } from "./poll.ts";
import { CANCELLED, troubleOf } from "./trouble.ts";

export interface NetworksDeps extends EdgeActionDeps {
  readonly client: EdgeClient;
}

export class Networks implements NetworkDesk {
  readonly #deps: NetworksDeps;
  readonly #standing: Signal<Loadable<Standing>> = signal({ state: "loading" });
  readonly mayChange: ReadonlySignal<boolean>;

  constructor(deps: NetworksDeps) {
    this.#deps = deps;
    this.mayChange = mayNow(deps, "workspace.administer");
  }

  get networks(): ReadonlySignal<Loadable<Standing>> {
    return this.#standing;
  }

  forget(): void {
    this.#standing.value = { state: "loading" };
  }

  load(): Promise<void> {
    return load(this.#standing, () => this.#deps.client.call("networks"));
  }

  async *change(change: NetworkChange): AsyncGenerator<TouchStep> {
    try {
      yield { kind: "touch", purpose: "approve" };
      const body = await approveChange(this.#deps, "networksChange", change);
      yield { kind: "sending" };
      this.#standing.value = { state: "ready", value: await this.#deps.client.call("networksChange", { body }) };
      yield { kind: "done" };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }
}

/** Retention and erasure: read while somebody looks, changed by a touch over exactly the change. */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Retention, RetentionChange } from "../../protocol/contracts/ledger.ts";
import type { Erasable } from "../../protocol/ledger.ts";
import type { Loadable, TouchStep } from "../state/backend.ts";
import type { KeepingDesk } from "../state/keeping.ts";
import { approveChange, mayNow, type EdgeActionDeps } from "./edge-action.ts";
import type { EdgeClient } from "./http.ts";
import { load } from "./poll.ts";
import { CANCELLED, troubleOf } from "./trouble.ts";

export interface KeepingDeps extends EdgeActionDeps {
  readonly client: EdgeClient;
}

export class Keeping implements KeepingDesk {
  readonly #deps: KeepingDeps;
  readonly #retention: Signal<Loadable<Retention>> = signal({ state: "loading" });
  readonly mayChange: ReadonlySignal<boolean>;

  constructor(deps: KeepingDeps) {
    this.#deps = deps;
    this.mayChange = mayNow(deps, "workspace.administer");
  }

  get retention(): ReadonlySignal<Loadable<Retention>> {
    return this.#retention;
  }

  forget(): void {
    this.#retention.value = { state: "loading" };
  }

  load(): Promise<void> {
    return load(this.#retention, () => this.#deps.client.call("retention"));
  }

  change(change: RetentionChange): AsyncIterable<TouchStep> {
    return approved(async () => {
      const body = await approveChange(this.#deps, "retentionChange", change);
      return async () => {
        this.#retention.value = {
          state: "ready",
          value: await this.#deps.client.call("retentionChange", { body }),
        };
      };
    });
  }

  erase(what: Erasable): AsyncIterable<TouchStep> {
    return approved(async () => {
      const body = await approveChange(this.#deps, "erase", what);
      return async () => {
        await this.#deps.client.call("erase", { body });
      };
    });
  }
}

/** The touch first, then what it approves is sent. */
async function* approved(touch: () => Promise<() => Promise<void>>): AsyncGenerator<TouchStep> {
  try {
    yield { kind: "touch", purpose: "approve" };
    const send = await touch();
    yield { kind: "sending" };
    await send();
    yield { kind: "done" };
  } catch (error) {
    const trouble = troubleOf(error);
    yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
  }
}

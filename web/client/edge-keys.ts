/** Which keys the edge says that it holds. Its word, shown beside the log's; a change is a statement like any other. */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { EdgeKeys as Held } from "../../protocol/contracts/edge-keys.ts";
import type { Loadable } from "../state/backend.ts";
import type { EdgeKeyDesk } from "../state/edge-keys.ts";
import type { EdgeClient } from "./http.ts";
import { load } from "./poll.ts";

export class EdgeKeys implements EdgeKeyDesk {
  readonly #client: EdgeClient;
  readonly #held: Signal<Loadable<Held>> = signal({ state: "loading" });

  constructor(client: EdgeClient) {
    this.#client = client;
  }

  get held(): ReadonlySignal<Loadable<Held>> {
    return this.#held;
  }

  forget(): void {
    this.#held.value = { state: "loading" };
  }

  load(): Promise<void> {
    return load(this.#held, () => this.#client.call("edgeKeys"));
  }
}

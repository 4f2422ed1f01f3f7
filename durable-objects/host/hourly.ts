/**
 * How many entries one host may cause in an hour by saying things that an honest one says rarely. A broken or hostile host
 * could otherwise make the log grow with every frame. Durable, so that nothing is gained by an eviction.
 */
import { edgeSeconds } from "../clock.ts";
import type { HostStore, LatestName } from "./store.ts";

const HOUR_SECONDS = 3_600;

export class HourlyBound {
  readonly #store: HostStore;
  readonly #name: LatestName;
  readonly #limit: number;

  constructor(store: HostStore, { name, limit }: { readonly name: LatestName; readonly limit: number }) {
    this.#store = store;
    this.#name = name;
    this.#limit = limit;
  }

  /** True, and counted, while there is room in this hour. */
  take(): boolean {
    const hour = Math.floor(edgeSeconds() / HOUR_SECONDS);
    const [counted, entries] = (this.#store.latest(this.#name) ?? "0 0").split(" ").map(Number);
    const next = counted === hour ? (entries ?? 0) + 1 : 1;
    if (next > this.#limit) return false;
    this.#store.setLatest(this.#name, `${hour} ${next}`);
    return true;
  }
}

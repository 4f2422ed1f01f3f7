/** The newest figures of a host and when it was last heard: fresh in memory, in storage at most every 30 s. */
import * as v from "valibot";
import { telemetrySchema, type Telemetry } from "../../protocol/telemetry.ts";
import { edgeSeconds } from "../clock.ts";
import type { HostStore } from "./store.ts";

/** Figures of half a minute ago are a fair answer after an eviction; a write each frame would not be a fair price. */
const KEEP_SECONDS = 30;

export class LatestTelemetry {
  readonly #store: HostStore;
  /** In memory; older in storage. */
  #value: Telemetry | undefined;
  /** In memory; older in storage. */
  #heard: number | undefined;
  /** Rebuilt. */
  #keptAt = 0;

  constructor(store: HostStore) {
    this.#store = store;
    const stored = store.latest("telemetry");
    const parsed = v.safeParse(telemetrySchema, stored === undefined ? undefined : JSON.parse(stored));
    this.#value = parsed.success ? parsed.output : undefined; // an older program's figures: the next frame replaces them
    const seen = store.latest("seen");
    this.#heard = seen === undefined ? undefined : Number(seen);
  }

  get value(): Telemetry | undefined {
    return this.#value;
  }

  /** Edge clock, seconds. */
  get lastHeard(): number | undefined {
    return this.#heard;
  }

  heard(): void {
    this.#heard = edgeSeconds();
  }

  set(telemetry: Telemetry): void {
    this.#value = telemetry;
    if (edgeSeconds() - this.#keptAt >= KEEP_SECONDS) this.persist();
  }

  persist(): void {
    this.#keptAt = edgeSeconds();
    if (this.#value !== undefined) this.#store.setLatest("telemetry", JSON.stringify(this.#value));
    if (this.#heard !== undefined) this.#store.setLatest("seen", String(this.#heard));
  }
}

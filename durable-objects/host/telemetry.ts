/** The newest figures of a host and when it was last heard: fresh in memory, in storage now and then. */
import * as v from "valibot";
import { count } from "../../protocol/fields.ts";
import { telemetrySchema, type Telemetry } from "../../protocol/telemetry.ts";
import { edgeSeconds } from "../clock.ts";
import type { HostStore } from "./store.ts";

/**
 * Each write is paid for, so not each frame is one: whoever looks at a large fleet lets its objects sleep between two looks,
 * and sees figures that are at most this old, with their age. What the gateway's state is, is written at once.
 */
const KEEP_SECONDS = 60;

/** Edge clock, seconds. */
const keptSchema = v.strictObject({
  seen: v.optional(count),
  at: v.optional(count),
  telemetry: v.optional(v.unknown()),
});

export class LatestTelemetry {
  readonly #store: HostStore;
  /** In memory; older in storage. */
  #value: Telemetry | undefined;
  /** In memory; older in storage: when `#value` came. */
  #at: number | undefined;
  /** In memory; older in storage. */
  #heard: number | undefined;
  /** Rebuilt: edge clock, seconds, of the figures in storage. */
  #keptAt = 0;

  constructor(store: HostStore) {
    this.#store = store;
    const stored = store.latest("telemetry");
    const kept = v.safeParse(keptSchema, stored === undefined ? {} : JSON.parse(stored));
    // An older program's figures and times are in other rows: the next frame or keep-alive replaces them.
    if (!kept.success) return;
    const parsed = v.safeParse(telemetrySchema, kept.output.telemetry);
    this.#heard = kept.output.seen;
    this.#value = parsed.success ? parsed.output : undefined;
    this.#at = parsed.success ? kept.output.at : undefined;
    this.#keptAt = this.#at ?? 0;
  }

  get value(): Telemetry | undefined {
    return this.#value;
  }

  /** Edge clock, seconds: when `value` came. */
  get at(): number | undefined {
    return this.#at;
  }

  /** Edge clock, seconds. */
  get lastHeard(): number | undefined {
    return this.#heard;
  }

  /** Edge clock, seconds. An earlier word than the last one changes nothing. */
  heard(at: number = edgeSeconds()): void {
    this.#heard = Math.max(at, this.#heard ?? 0);
  }

  set(telemetry: Telemetry): void {
    const isNews = this.#value?.gateway.state !== telemetry.gateway.state;
    this.#value = telemetry;
    this.#at = edgeSeconds();
    if (isNews || this.#at - this.#keptAt >= KEEP_SECONDS) this.persist();
  }

  persist(): void {
    this.#keptAt = edgeSeconds();
    const kept = { seen: this.#heard, at: this.#at, telemetry: this.#value };
    this.#store.setLatest("telemetry", JSON.stringify(kept));
  }
}

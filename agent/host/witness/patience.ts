/**
 * How long receipts of this host have waited to be proven in the log, by the monotonic clock: since each was first offered
 * to an edge in the life of this process. A new tunnel changes nothing about it.
 */
import { WITNESS_PATIENCE_SECONDS } from "../../../protocol/limits.ts";
import type { HostClock } from "../warden/clock.ts";

export class Patience {
  readonly #clock: Pick<HostClock, "monotonic">;
  /** RAM only; milliseconds, by number of the receipt. */
  readonly #offered = new Map<number, number>();

  constructor(clock: Pick<HostClock, "monotonic">) {
    this.#clock = clock;
  }

  offered(number: number): void {
    if (!this.#offered.has(number)) this.#offered.set(number, this.#clock.monotonic());
  }

  proven(provenTo: number): void {
    for (const number of this.#offered.keys()) if (number <= provenTo) this.#offered.delete(number);
  }

  isOver(number: number): boolean {
    const at = this.#offered.get(number);
    return at !== undefined && this.#clock.monotonic() - at > WITNESS_PATIENCE_SECONDS * 1_000;
  }
}

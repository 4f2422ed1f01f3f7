/**
 * Notices that this machine slept, that the process stood still, or that the clock was set: whatever was true of the network
 * before need not be true now. Timers count monotonic time, which stands still in a sleep, so nothing else would tell.
 */

/** How often somebody looks: a host that wakes is back after this long at most, and a timer so rare costs nothing. */
export const LOOK_MILLISECONDS = 5_000;
/** A look that comes so late was held up by more than a busy machine. */
const LATE_MILLISECONDS = 15_000;
/** Clocks drift and are nudged; more than this is a step or a sleep. */
const STEP_MILLISECONDS = 5_000;

export interface Clocks {
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  /** Milliseconds since 1970, as the operating system believes. */
  readonly wall: () => number;
}

export class Slumber {
  readonly #clocks: Clocks;
  #elapsed: number;
  #wall: number;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
    this.#elapsed = clocks.elapsed();
    this.#wall = clocks.wall();
  }

  /** True when something of the kind happened since the last look. */
  look(): boolean {
    const elapsed = this.#clocks.elapsed();
    const wall = this.#clocks.wall();
    const passed = elapsed - this.#elapsed;
    const stepped = Math.abs(wall - this.#wall - passed);
    this.#elapsed = elapsed;
    this.#wall = wall;
    return passed > LOOK_MILLISECONDS + LATE_MILLISECONDS || stepped > STEP_MILLISECONDS;
  }
}

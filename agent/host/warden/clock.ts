/** The two clocks and the randomness of a host, passed in so that tests can bend them. */

export interface HostClock {
  /** Milliseconds since 1970, as the operating system believes. May jump. */
  wall(): number;
  /** Milliseconds since some start; never goes back, and stands still while the machine sleeps. */
  monotonic(): number;
}

export function wallSeconds(clock: HostClock): number {
  return Math.floor(clock.wall() / 1_000);
}

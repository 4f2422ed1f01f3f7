/** How often a page asks for the whole fleet. Each time wakes the object of every host, so a large one is asked less often. */

const FLEET_POLL_MS = 5_000;
/** From 250 hosts on the pause grows with the fleet: as many objects a second are woken, however many there are. */
const MS_A_HOST = 20;

export function pollMilliseconds(hosts: number): number {
  return Math.max(FLEET_POLL_MS, hosts * MS_A_HOST);
}

/** The real edge under attack, from its first setup link to its database, with an honest page before and after. */
import type { BindOptions } from "../../agent/edge/bind/asked.ts";
import type { Result } from "./attack.ts";
import { knock } from "./door.ts";
import { attackDoors, race, setupAttacks, squat } from "./doors.ts";
import { askAs, outcomeOf, RealEdge, type Household } from "./real-edge.ts";
import { attackBoundDoors, NAME } from "./vpn-doors.ts";
import { places } from "./deployment.ts";
import { attackSubmissions } from "./submissions.ts";
import { attackLedger } from "./tampering.ts";

export interface EdgeReport {
  readonly results: readonly Result[];
  readonly failures: readonly string[];
}

/** `bind`: where the edge stands beside loopback; then its doors there are attacked too. */
export async function attackEdge(bind?: BindOptions): Promise<EdgeReport> {
  const edge = await RealEdge.start(bind);
  const failures: string[] = [];
  try {
    const setup = await knock(setupAttacks, edge);
    const { result, household } = await race(edge);
    await honest(household, failures, "before the attacks on the edge");
    const bound = bind === undefined ? [] : await attackBoundDoors(household);
    const doors = [
      ...bound,
      ...(await attackDoors(household)),
      ...(await attackSubmissions(household)),
      ...(await squat(edge)),
    ];
    await honest(household, failures, "after the attacks on the edge");
    return { results: [...setup, result, ...doors, ...(await attackLedger(household))], failures };
  } finally {
    await edge.stop();
  }
}

/** On an address of its own, with a name, for browsers with a certificate: as `clawhold up --bind --name` starts it. */
export function attackVpnEdge(): Promise<EdgeReport> {
  return attackEdge({ target: places.vpn.address, name: NAME });
}

/** An edge that refuses everybody would pass every attack. */
async function honest({ page }: Household, failures: string[], when: string): Promise<void> {
  const outcome = outcomeOf(await askAs(page, "me"));
  if (outcome !== "accepted") failures.push(`an honest request ${when}: ${outcome}`);
}

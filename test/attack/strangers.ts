/** The real edge under attack, from its first setup link to its database, with an honest page before and after. */
import type { Result } from "./attack.ts";
import { knock } from "./door.ts";
import { attackDoors, race, setupAttacks, squat } from "./doors.ts";
import { askAs, outcomeOf, RealEdge, type Household } from "./real-edge.ts";
import { attackSubmissions } from "./submissions.ts";
import { attackLedger } from "./tampering.ts";

export interface EdgeReport {
  readonly results: readonly Result[];
  readonly failures: readonly string[];
}

export async function attackEdge(): Promise<EdgeReport> {
  const edge = await RealEdge.start();
  const failures: string[] = [];
  try {
    const setup = await knock(setupAttacks, edge);
    const { result, household } = await race(edge);
    await honest(household, failures, "before the attacks on the edge");
    const doors = [...(await attackDoors(household)), ...(await attackSubmissions(household)), ...(await squat(edge))];
    await honest(household, failures, "after the attacks on the edge");
    return { results: [...setup, result, ...doors, ...(await attackLedger(household))], failures };
  } finally {
    await edge.stop();
  }
}

/** An edge that refuses everybody would pass every attack. */
async function honest({ page }: Household, failures: string[], when: string): Promise<void> {
  const outcome = outcomeOf(await askAs(page, "me"));
  if (outcome !== "accepted") failures.push(`an honest request ${when}: ${outcome}`);
}

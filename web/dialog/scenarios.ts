/** The arguments that a rehearsal takes, in words. One row per value of the protocol; a new one does not compile without. */
import type * as v from "valibot";
import type { operations } from "../../protocol/operations.ts";

export type Scenario = v.InferOutput<(typeof operations)["host.drill@1"]["args"]>["scenario"];

interface ScenarioWords {
  readonly name: string;
  readonly says: string;
}

export const scenarios = {
  "lost-device": { name: "A lost device", says: "Somebody's laptop or key is gone, and access must be taken away." },
  "edge-taken-over": {
    name: "A control plane taken over",
    says: "Its machine or account is in foreign hands, and you act from your own.",
  },
  "second-person": { name: "A second person", says: "Something that nobody here may do alone." },
} as const satisfies Record<Scenario, ScenarioWords>;

export const scenarioNames = Object.keys(scenarios) as readonly Scenario[];

/** An argument as people read it; what this page does not know is shown as it stands in the bytes. */
export function argumentWords(value: unknown): string {
  const known = scenarioNames.find((name) => name === value);
  return known === undefined ? String(value) : scenarios[known].name;
}

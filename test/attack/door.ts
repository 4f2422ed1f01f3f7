/** One attack on a door of the edge, and how a list of them is tried: at most twice, where the door stayed shut. */
import { outcomeOf, twiceAtMost, type Result } from "./attack.ts";
import type { Outcome } from "./scene.ts";

export interface DoorAttack<C> {
  readonly class: string;
  readonly name: string;
  readonly rule: string;
  run(context: C): Promise<Outcome>;
}

export async function knock<C>(attacks: readonly DoorAttack<C>[], context: C): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const attack of attacks) {
    results.push(await twiceAtMost(() => once(attack, context)));
  }
  return results;
}

async function once<C>(attack: DoorAttack<C>, context: C): Promise<Result> {
  const { class: kind, name, rule } = attack;
  const outcome = await outcomeOf(() => attack.run(context));
  return { class: kind, name, rule, outcome, executed: outcome === "accepted" ? 1 : 0 };
}

export function door<C>(kind: string) {
  return (name: string, rule: string, run: (context: C) => Promise<Outcome>): DoorAttack<C> => ({
    class: kind,
    name,
    rule,
    run,
  });
}

/** One attack on a door of the edge, and how a list of them is tried. */
import type { Result } from "./attack.ts";
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
    const { class: kind, name, rule } = attack;
    const outcome = await attack.run(context);
    results.push({ class: kind, name, rule, outcome, executed: outcome === "accepted" ? 1 : 0 });
  }
  return results;
}

export function door<C>(kind: string) {
  return (name: string, rule: string, run: (context: C) => Promise<Outcome>): DoorAttack<C> => ({
    class: kind,
    name,
    rule,
    run,
  });
}

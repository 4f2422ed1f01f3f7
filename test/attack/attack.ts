/** What an attack is, and the record of what became of it. An attack names the one rule that has to refuse it. */
import { OPERATION, type CommandDraft, type TouchDraft } from "../fixtures/command.ts";
import type { Outcome, Scene } from "./scene.ts";
import type { Actor, ActorName } from "./town.ts";

export interface Attack {
  readonly class: string;
  readonly name: string;
  /** The rule that must refuse it. */
  readonly rule: string;
  run(scene: Scene): Promise<Outcome>;
}

export interface Result {
  readonly class: string;
  readonly name: string;
  readonly rule: string;
  readonly outcome: string;
  /** Executions, and ends of sessions, that nobody approved. */
  readonly executed: number;
}

export function isAsNamed(result: Result): boolean {
  return result.outcome === result.rule && result.executed === 0;
}

/** `adopted`: the host goes on with what the attacker handed it. */
const OBEYED: ReadonlySet<string> = new Set(["executed", "failed", "adopted"]);

/** Runs an attack and looks at the canary before and after. */
export async function attempt(attack: Attack, scene: Scene): Promise<Result> {
  const before = scene.unapproved;
  const outcome = await attack.run(scene);
  const executed = scene.unapproved - before;
  const { class: kind, name, rule } = attack;
  // An operation that no canary saw still counts when the host says that it ran; so does an end that it obeyed.
  const isObeyed = OBEYED.has(outcome) || outcome.startsWith("session_ended");
  const said = isObeyed ? 1 : 0;
  return { class: kind, name, rule, outcome, executed: Math.max(executed, said) };
}

/** What a bend may use: the draft, the people, the running scene. */
export interface Kit {
  readonly scene: Scene;
  readonly actor: Actor;
  /** The one approval of the draft. */
  readonly touch: TouchDraft;
}

export type Bend = (draft: CommandDraft, kit: Kit) => void | Promise<void>;

/** An honest command of `actor`, bent at one place before it is signed, delivered once. */
export function bent(bend: Bend, by: ActorName = "otto", operation: string = OPERATION) {
  return async (scene: Scene): Promise<Outcome> => {
    const actor = scene.town.actors[by];
    const draft = await scene.draft(actor, operation);
    await bend(draft, { scene, actor, touch: touchOf(draft) });
    const { bytes } = await scene.seal(draft);
    return scene.deliver(bytes);
  };
}

export function touchOf(draft: CommandDraft): TouchDraft {
  const [touch] = draft.approvals;
  if (touch === undefined) throw new TypeError("attack: a draft has an approval");
  return touch;
}

export type Row = readonly [name: string, rule: string, bend: Bend];

export function tableOf(kind: string, rows: readonly Row[], by?: ActorName): readonly Attack[] {
  return rows.map(([name, rule, bend]) => ({ class: kind, name, rule, run: bent(bend, by) }));
}

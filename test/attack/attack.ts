/** What an attack is, and the record of what became of it. An attack names the one rule that has to refuse it. */
import { OPERATION, type CommandDraft, type TouchDraft } from "../fixtures/command.ts";
import { Scene, type Outcome, type SceneOptions } from "./scene.ts";
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
  /** What the first try came to, where a second one was made. */
  readonly firstTry?: string;
}

export function isAsNamed(result: Result): boolean {
  return result.outcome === result.rule && result.executed === 0;
}

/** `adopted`: the host goes on with what the attacker handed it. `answered`: it told what nobody may ask. */
const OBEYED: ReadonlySet<string> = new Set(["executed", "failed", "adopted", "answered"]);

export type Wanted = (result: Result) => boolean;

interface Trying {
  readonly isWanted?: Wanted;
  /** Sets the scene of a second try. */
  readonly open?: (options: SceneOptions) => Promise<Scene>;
}

/**
 * Runs an attack; once more in a scene of its own when it came to something else than is wanted and nothing ran: a busy
 * machine can keep an answer back, or an attack from beginning. What ran is never tried again.
 */
export async function attempt(attack: Attack, scene: Scene, trying: Trying = {}): Promise<Result> {
  const { isWanted = isAsNamed, open = (options) => Scene.open(options) } = trying;
  const before = scene.unapproved;
  const first = await once(attack, scene);
  if (isWanted(first) || first.executed > 0) return first;
  const fresh = await open(scene.options);
  try {
    const second = await once(attack, fresh);
    // What the first try set going may have run late.
    const late = scene.unapproved - before;
    await scene.beginAgain();
    return { ...second, executed: Math.max(second.executed, late), firstTry: first.outcome };
  } finally {
    await fresh.close();
  }
}

/** The same for what sets its own scene. */
export async function twiceAtMost(run: () => Promise<Result>, isWanted: Wanted = isAsNamed): Promise<Result> {
  const first = await run();
  if (isWanted(first) || first.executed > 0) return first;
  return { ...(await run()), firstTry: first.outcome };
}

/** An attack that could not be carried out has an outcome, too, and never the one that it names. */
export async function outcomeOf(run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError) throw error;
    return `broke: ${error.message.split("\n", 1)[0] ?? ""}`;
  }
}

/** Runs an attack and looks at the canary before and after. */
async function once(attack: Attack, scene: Scene): Promise<Result> {
  const before = scene.unapproved;
  const outcome = await outcomeOf(() => attack.run(scene));
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

/**
 * Two honest operators at once, over an edge that shuffles and repeats: neither loses a command to the other, and none
 * runs twice.
 */
import { randomOf } from "../protocol/campaign.ts";
import type { Result } from "./attack.ts";
import type { Outcome, Scene } from "./scene.ts";
import type { Actor } from "./town.ts";

const CHECK = "host.check@1";

export interface Interleaving {
  readonly rounds: number;
  readonly seed: number;
}

export async function interleave(scene: Scene, { rounds, seed }: Interleaving): Promise<Result> {
  const { otto, olga } = scene.town.actors;
  const random = randomOf(seed);
  const before = scene.happenings.executions;
  const lost: Outcome[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // A new trust log every so often would be a third party; here it is only the two of them.
    const outcomes = await both(scene, random(2) === 0 ? [otto, olga] : [olga, otto], random);
    lost.push(...outcomes.filter((outcome) => outcome !== "executed"));
  }
  const ran = scene.happenings.executions - before;
  for (let i = 0; i < Math.min(ran, 2 * rounds); i += 1) scene.noteHonest(CHECK);
  const twice = Math.max(0, ran - 2 * rounds);
  const rule = "every one ran once";
  const isWhole = lost.length === 0 && ran === 2 * rounds;
  const said = `${String(lost.length)} lost (${[...new Set(lost)].join(", ")}), ${String(ran)} of ${String(2 * rounds)} ran`;
  return {
    class: "two operators at once",
    name: `${String(rounds)} rounds, shuffled and repeated`,
    rule,
    outcome: isWhole ? rule : said,
    executed: twice,
  };
}

async function both(scene: Scene, [one, two]: readonly [Actor, Actor], random: (below: number) => number) {
  const drafts = await Promise.all([one, two].map((actor) => scene.draft(actor, CHECK)));
  const sealed = await Promise.all(drafts.map((draft) => scene.seal(draft)));
  const mark = scene.happenings.mark;
  for (const { bytes } of sealed) {
    scene.send(bytes);
    if (random(2) === 0) scene.send(bytes);
  }
  if (random(2) === 0) for (const { bytes } of sealed) scene.send(bytes);
  const outcomes: Outcome[] = [];
  for (const { digest } of sealed) outcomes.push(await scene.fate(mark, digest));
  for (const actor of [one, two]) scene.letGo(actor, CHECK);
  return outcomes;
}

/** Attacks that need time: an honest command held back by the edge, and a challenge that outlives its life. */
import { setTimeout as wait } from "node:timers/promises";
import path from "node:path";
import { APPROVAL_SECONDS, APPROVAL_SKEW_SECONDS } from "../../protocol/limits.ts";
import { buildAgent, type Cut } from "./agent-build.ts";
import { attempt, type Attack, type Result } from "./attack.ts";
import { dispatched, treeOf } from "./captured.ts";
import { Scene, type SceneOptions } from "./scene.ts";

/** The honest command stays in the edge's drawer until the touch is too old; pressing again works. */
const heldBack: Attack = {
  class: "held back by the edge",
  name: `an honest command, delivered ${String(APPROVAL_SECONDS + APPROVAL_SKEW_SECONDS)} seconds late`,
  rule: "clock",
  async run(scene) {
    const { otto } = scene.town.actors;
    const held = await scene.hold(otto);
    const { bytes } = await scene.seal(scene.draftWith(otto, held.challenge));
    await wait((APPROVAL_SECONDS + APPROVAL_SKEW_SECONDS) * 1_000);
    const outcome = await scene.deliver(await dispatched(scene, treeOf(bytes)));
    const again = await scene.honestly(otto, await scene.seal(scene.draftWith(otto, held.challenge)));
    return again === "executed" ? outcome : `${outcome}, then pressing again ${again}`;
  },
};

export async function holdBack(options: SceneOptions): Promise<readonly Result[]> {
  const scene = await Scene.open(options);
  try {
    return [await attempt(heldBack, scene)];
  } finally {
    await scene.close();
  }
}

/** Five minutes are too long for a suite: this agent lets its challenges die after one second, and is otherwise itself. */
export const SHORT: Cut = {
  file: "protocol/limits.ts",
  from: "CHALLENGE_SECONDS = 300;",
  to: "CHALLENGE_SECONDS = 1;",
};

const expired: Attack = {
  class: "challenge",
  name: "kept past its life",
  rule: "challenge",
  async run(scene) {
    const { otto } = scene.town.actors;
    const { challenge } = await scene.hold(otto);
    await wait(1_200);
    return scene.deliver((await scene.seal(scene.draftWith(otto, challenge))).bytes);
  },
};

export async function letExpire(options: SceneOptions, directory: string): Promise<readonly Result[]> {
  const program = await buildAgent(path.join(directory, "short-lived"), [SHORT]);
  const scene = await Scene.open({ ...options, program });
  try {
    return [await attempt(expired, scene)];
  } finally {
    await scene.close();
  }
}

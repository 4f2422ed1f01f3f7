/**
 * How far a handshake is when an attack begins, and what became of a page of the trust log. Agents answer most attacks
 * by closing the tunnel, so each begins with an agent of its own at a named stage.
 */
import type { Prepared } from "../../protocol/messages.ts";
import { sameHead } from "../../protocol/trust/state.ts";
import type { Outcome, Scene } from "./scene.ts";

/** How far the handshake is when the attack begins. `fresh`: greeted, by an agent that has seen no trust log. */
export type Stage = "met" | "greeted" | "fresh" | "joined";

export async function advance(scene: Scene, stage: Stage): Promise<void> {
  if (stage === "fresh") scene.directory.forgetTrust();
  await scene.restartAgent("SIGKILL");
  if (stage !== "fresh" && !scene.directory.holdsTrust()) {
    await scene.join();
    await scene.restartAgent("SIGKILL");
  }
  if (stage === "joined") return scene.join();
  await scene.meet();
  if (stage !== "met") await scene.greet();
}

export function at(
  stage: Stage,
  run: (scene: Scene, mark: number) => Promise<Outcome>,
): (scene: Scene) => Promise<Outcome> {
  return async (scene) => {
    await advance(scene, stage);
    return run(scene, scene.happenings.mark);
  };
}

/** `trust_passed_over`: late, or about something that this host does not hold. */
export const VERDICTS: ReadonlySet<string> = new Set(["trust_refused", "trust_fork", "trust_passed_over"]);

/** What became of a page of statements: refused by a rule, or not believed although nothing was said. */
export async function trustFate(scene: Scene, mark: number): Promise<Outcome> {
  const { head } = scene.town.world.state;
  // Frames are taken in order: the answer comes after the statements were judged.
  const prepared = await scene.prepare(scene.town.actors.otto, {}, mark);
  await theirLog(scene, mark, prepared);
  const said = scene.happenings.logged(mark, (line) => VERDICTS.has(String(line["event"])));
  if (said !== undefined) return `trust.${String(said["code"])}`;
  if (typeof prepared === "string") return prepared;
  return sameHead(prepared.trustHead, head) ? "head_kept" : "head_moved";
}

/**
 * Waits until the agent's log is as far as its answer was. The log is a pipe of its own, and may be behind the socket:
 * what was judged before the answer is in it once the answer's own line is. A closing has waited for its line already.
 */
async function theirLog({ happenings }: Scene, mark: number, answer: Outcome | Prepared): Promise<void> {
  if (typeof answer === "string" && answer.startsWith("tunnel.")) return;
  await happenings.first(mark, (item) => (item.kind === "log" && "prepare" in item.line ? true : undefined));
}

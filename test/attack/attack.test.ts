/** What a second try may excuse: an answer that did not come. Never an execution, and never the wrong refusal twice. */
import { describe, expect, it } from "vitest";
import { attempt, isAsNamed, outcomeOf, twiceAtMost, type Attack, type Result } from "./attack.ts";
import type { Outcome, Scene } from "./scene.ts";

interface Played {
  readonly outcome: Outcome | Error;
  /** Commands that nobody approved. */
  readonly ran?: number;
  /** They run while the next one is tried. */
  readonly late?: number;
}

/** A scene in which attacks come to what is written down for them, one after another. */
class Stage {
  unapproved = 0;
  begun = 0;
  closed = 0;
  late = 0;

  beginAgain(): Promise<void> {
    this.begun += 1;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed += 1;
    return Promise.resolve();
  }
}

async function play(plays: readonly Played[]) {
  const [scene, fresh] = [new Stage(), new Stage()];
  const played = plays[Symbol.iterator]();
  const attack: Attack = {
    class: "a class",
    name: "an attack",
    rule: "people",
    run: (at) => {
      const stage = at as unknown as Stage;
      scene.unapproved += scene.late;
      const { outcome = "nothing more", ran = 0, late = 0 } = played.next().value ?? {};
      stage.unapproved += ran;
      stage.late = late;
      return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
    },
  };
  const open = (): Promise<Scene> => Promise.resolve(fresh as unknown as Scene);
  const result = await attempt(attack, scene as unknown as Scene, { open });
  return { result, scene, fresh };
}

describe("an attack that is tried", () => {
  it("is tried once when the rule refuses it", async () => {
    const { result, fresh } = await play([{ outcome: "people" }]);
    expect(result).toEqual({ class: "a class", name: "an attack", rule: "people", outcome: "people", executed: 0 });
    expect(fresh.closed).toBe(0);
  });

  it("is tried again in a scene of its own after silence, and says so", async () => {
    const { result, scene, fresh } = await play([{ outcome: "silence" }, { outcome: "people" }]);
    expect(result).toMatchObject({ outcome: "people", executed: 0, firstTry: "silence" });
    expect(isAsNamed(result)).toBe(true);
    expect([fresh.closed, scene.begun]).toEqual([1, 1]);
  });

  it("fails with the wrong refusal twice", async () => {
    const { result } = await play([{ outcome: "role" }, { outcome: "role" }, { outcome: "people" }]);
    expect(isAsNamed(result)).toBe(false);
  });

  it("is never tried again when something ran, whatever was said", async () => {
    for (const first of [
      { outcome: "silence", ran: 1 },
      { outcome: "executed" },
      { outcome: "adopted" },
      { outcome: "session_ended" },
    ]) {
      const { result, fresh } = await play([first, { outcome: "people" }]);
      expect(result.executed).toBe(1);
      expect(fresh.closed).toBe(0);
    }
  });

  it("counts what the first try set going and ran late", async () => {
    const { result } = await play([{ outcome: "silence", late: 1 }, { outcome: "people" }]);
    expect(result.executed).toBe(1);
  });

  it("counts what the second try ran", async () => {
    const { result } = await play([{ outcome: "silence" }, { outcome: "people", ran: 1 }]);
    expect(result.executed).toBe(1);
  });

  it("comes to something when it cannot be carried out, and never to its rule", async () => {
    const { result } = await play([{ outcome: new Error("no hello\nbut this") }, { outcome: new Error("no hello") }]);
    expect(result).toMatchObject({ outcome: "broke: no hello", firstTry: "broke: no hello" });
    await expect(outcomeOf(() => Promise.reject(new TypeError("a mistake")))).rejects.toThrow("a mistake");
  });
});

describe("what sets its own scene", () => {
  const results = (...outcomes: readonly (readonly [outcome: string, executed: number])[]) => {
    const [first, ...rest] = outcomes.map(([outcome, executed]): Result => {
      return { class: "a class", name: "an attack", rule: "people", outcome, executed };
    });
    const left = [first, ...rest];
    return twiceAtMost(() => Promise.resolve(left.shift() as Result));
  };

  it("is tried a second time, and not a third", async () => {
    expect(await results(["silence", 0], ["people", 0])).toMatchObject({ outcome: "people", firstTry: "silence" });
    expect(await results(["silence", 0], ["role", 0], ["people", 0])).toMatchObject({ outcome: "role" });
  });

  it("is never tried again when something ran", async () => {
    expect(await results(["people", 1], ["people", 0])).toMatchObject({ executed: 1 });
  });
});

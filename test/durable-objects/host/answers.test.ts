import { describe, expect, it } from "vitest";
import { Answers } from "../../../durable-objects/host/answers.ts";

/** What has settled by the time everything that could run has run. */
async function settledOf(waits: Readonly<Record<string, Promise<void>>>): Promise<readonly string[]> {
  const settled: string[] = [];
  for (const [name, wait] of Object.entries(waits)) void wait.then(() => settled.push(name));
  await new Promise((resolve) => setTimeout(resolve));
  return settled;
}

describe("Answers", () => {
  it("wakes everybody who waits for one command, and nobody else", async () => {
    const answers = new Answers();
    const waits = { a: answers.wait("one"), b: answers.wait("one"), c: answers.wait("two") };
    answers.settle("one");
    expect(await settledOf(waits)).toEqual(["a", "b"]);
    expect(answers.isAwaited).toBe(true);
    answers.settleAll();
    expect(await settledOf(waits)).toContain("c");
    expect(answers.isAwaited).toBe(false);
  });

  it("settles what nobody waits for without a word", () => {
    const answers = new Answers();
    answers.settle("one");
    answers.settleAll();
    expect(answers.isAwaited).toBe(false);
  });

  it("waits no longer than a moment", async () => {
    const answers = new Answers();
    await answers.wait("one");
    expect(answers.isAwaited).toBe(false);
  });

  it("keeps a second wait for a command when the first is over", async () => {
    const answers = new Answers();
    const first = answers.wait("one");
    answers.settle("one");
    const second = answers.wait("one");
    await first;
    expect(answers.isAwaited).toBe(true);
    answers.settle("one");
    await second;
    expect(answers.isAwaited).toBe(false);
  });
});

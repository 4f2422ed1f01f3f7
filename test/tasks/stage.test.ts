/** Stages with a vitest of their own, over files that are red once, always, or through an error of no test. */
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command, root, vitest, type Options, type Ran, type Stage } from "./stage.ts";

/** Inside the checkout, so that the files in it find vitest. */
let folder = "";
let output = 0;

beforeAll(() => {
  mkdirSync(path.join(root, ".cache"), { recursive: true });
  folder = mkdtempSync(path.join(root, ".cache", "stages-"));
  output = openSync(path.join(folder, "said"), "w");
});

afterAll(() => {
  closeSync(output);
  rmSync(folder, { recursive: true, force: true });
});

const files = {
  steady: `it("is green", () => expect(1).toBe(1));`,
  /** Red until it has run once. */
  hiccup: `it("is green the second time", () => {
    const isFirst = !existsSync(mark);
    appendFileSync(mark, "");
    expect(isFirst, "too slow").toBe(false);
  });`,
  red: `it("is red", () => expect(1, "broken").toBe(2));`,
  stray: `it("is red", async () => {
    setTimeout(() => { throw new Error("of no test"); }, 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(1).toBe(2);
  });`,
} as const;

/** Each file also writes down that it ran. */
function suite(name: string, chosen: readonly (keyof typeof files)[], options: Options): Stage {
  const own = path.join(folder, name);
  mkdirSync(own);
  for (const file of chosen) {
    const mark = JSON.stringify(path.join(own, `${file}.mark`));
    const log = JSON.stringify(path.join(own, "ran"));
    const head = `import { appendFileSync, existsSync } from "node:fs";
      import { expect, it } from "vitest";
      const mark = ${mark};
      appendFileSync(${log}, "${file} ");`;
    writeFileSync(path.join(own, `${file}.test.ts`), `${head}\n${files[file]}\n`);
  }
  const config = path.join(own, "vitest.config.mjs");
  writeFileSync(config, `export default { root: ${JSON.stringify(own)}, test: { fileParallelism: false } };\n`);
  return vitest(`stage test ${name}`, config, options);
}

async function ran(stage: Stage): Promise<Ran> {
  const result = await stage.run(output);
  if ("skipped" in result) throw new TypeError("a stage without a condition is not skipped");
  return result;
}

const whatRan = (name: string): readonly string[] =>
  readFileSync(path.join(folder, name, "ran"), "utf8")
    .trim()
    .split(" ")
    .toSorted();

describe("a stage that may stumble", () => {
  it("runs what failed once more, alone, and says so", async () => {
    const first = await ran(suite("once", ["steady", "hiccup"], { mayStumble: true }));
    expect(first).toMatchObject({ ok: false, counts: { passed: 1, failed: 1, skipped: 0 } });
    const second = await first.again?.(output);
    expect(second).toMatchObject({ ok: true, counts: { passed: 2, failed: 0, skipped: 0 } });
    expect(second?.forgiven).toEqual([{ test: "is green the second time", error: expect.stringMatching(/^too slow/) }]);
    expect(whatRan("once")).toEqual(["hiccup", "hiccup", "steady"]);
  });

  it("stays red when it is red twice", async () => {
    const first = await ran(suite("twice", ["red", "hiccup"], { mayStumble: true }));
    const second = await first.again?.(output);
    expect(second).toMatchObject({ ok: false, counts: { passed: 1, failed: 1, skipped: 0 } });
  });

  it("is not run again after an error that belongs to no test", async () => {
    const first = await ran(suite("stray", ["stray"], { mayStumble: true }));
    expect(first.ok).toBe(false);
    expect(first.again).toBeUndefined();
  });

  it("may be a command, which is run again whole", async () => {
    const mark = JSON.stringify(path.join(folder, "command.mark"));
    const script = `const fs = require("node:fs"); const isFirst = !fs.existsSync(${mark});
      fs.writeFileSync(${mark}, ""); process.exit(isFirst ? 3 : 0);`;
    const first = await ran(command("a command", ["-e", script], { mayStumble: true }));
    expect(first.ok).toBe(false);
    const second = await first.again?.(output);
    expect(second).toMatchObject({
      ok: true,
      forgiven: [{ test: "a command", error: "ended with code 3; its output is above" }],
    });
  });
});

describe("a stage that computes", () => {
  it("has no second run", async () => {
    const first = await ran(suite("pure", ["hiccup"], {}));
    expect(first.ok).toBe(false);
    expect(first.again).toBeUndefined();
    const failed = await ran(command("a command", ["-e", "process.exit(1)"]));
    expect(failed.again).toBeUndefined();
  });
});

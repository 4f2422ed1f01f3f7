import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { mutantsOf } from "./mutants.ts";
import { redundant, type Outcome } from "./mutation.ts";

describe("taking a rule away", () => {
  it("is noticed by a named case, for every rule of the verifiers", { timeout: 900_000 }, async () => {
    const script = fileURLToPath(new URL("mutation.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, "--json"], { maxBuffer: 16 * 1024 * 1024 });
    const outcomes = JSON.parse(stdout) as readonly Outcome[];
    const table = outcomes.map(
      ({ mutant, killedBy }) => `${mutant}: ${killedBy ?? redundant[mutant] ?? "NOT NOTICED"}`,
    );
    console.log(table.join("\n"));
    expect(outcomes.length).toBeGreaterThan(200);
    const unnoticed = outcomes.filter(({ killedBy }) => killedBy === undefined).map(({ mutant }) => mutant);
    // Both ways: a reason for a rule that is noticed after all has outlived its rule.
    expect([...new Set(unnoticed)].sort()).toEqual(Object.keys(redundant).sort());
  });
});

describe("finding rules in a text", () => {
  const found = (text: string): readonly string[] => mutantsOf("x.ts", text).map(({ was, now }) => `${was} -> ${now}`);

  it("takes a condition that refuses, and each operand", () => {
    expect(found('if (a(b || c) || !d) throw new Refused("x");')).toEqual([
      "a(b || c) || !d -> false",
      "a(b || c) -> false",
      "!d -> false",
    ]);
    expect(found('if (\n a &&\n b\n) {\n throw new Refused("x");\n}')).toEqual([
      "a && b -> false",
      "a -> true",
      "b -> true",
    ]);
    expect(found('if (a) return refuse("x");')).toEqual(["a -> false"]);
  });

  it("leaves other conditions alone", () => {
    expect(found("if (a || b) count += 1;")).toEqual([]);
  });

  it("takes a condition that admits, and a predicate's operands", () => {
    expect(found("if (a(b) && c) return true;")).toEqual(["a(b) && c -> true", "a(b) -> true", "c -> true"]);
    expect(found("list.some((one) => one.a && f(one, b), c)")).toEqual(["one.a -> true", "f(one, b) -> true"]);
  });

  it("takes what a boolean or a result is made of", () => {
    expect(found("const fits = a === b && c;")).toEqual(["a === b -> true", "c -> true"]);
    expect(found("return a < b;")).toEqual(["a < b -> true", "a < b -> false"]);
    expect(found('return a || b ? undefined : "expect";')).toEqual(["a || b -> true"]);
    expect(found('return a ? "approval" : undefined;')).toEqual(["a -> false"]);
  });
});

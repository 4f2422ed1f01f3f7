/** Runs a table of cases against the product under vitest. */
import { expect, it } from "vitest";
import { product, type RuleCase } from "./cases.ts";

export function itJudges(cases: readonly RuleCase[]): void {
  it.each(cases.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    expect(await one.run(product)).toBe(one.expected);
  });
}

/** The cases of one group of a table: those whose name begins with `group: `. */
export function groupOf(cases: readonly RuleCase[], group: string): readonly RuleCase[] {
  const found = cases.filter((one) => one.name.startsWith(`${group}: `));
  if (found.length === 0) throw new TypeError(`no cases of ${group}`);
  return found;
}

/** What every sentence to a person has in common, whatever it is about. */
import { expect } from "vitest";

/** One paragraph for people: no program's insides, no alarm, no flattery, nothing secret. */
export function expectPlain(text: string): void {
  const said = text.trim();
  expect(said).toMatch(/^["\p{L}\d/[]/u);
  expect(said.split("\n")).toHaveLength(1);
  expect(said).toMatch(/[.]( |$)/);
  expect(said).not.toMatch(
    /!|oops|please|successfully|something went wrong|undefined|\[object|node:|Error:|\.mjs|ERR_/i,
  );
}

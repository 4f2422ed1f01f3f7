/** Every check that the attack suite cuts out of the agent is in the source as the suite has it: found here, before the suite runs. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { applyCut } from "./agent-build.ts";
import { checks } from "./check-table.ts";
import { floodChecks } from "./floods.ts";
import { layers } from "./layer-table.ts";
import { renewalChecks } from "./renewals.ts";
import { SHORT } from "./slow.ts";
import { witnessChecks } from "./witness.ts";

const root = path.resolve(import.meta.dirname, "../..");
const tables = [...layers, ...checks, ...witnessChecks, ...floodChecks, ...renewalChecks];
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

describe("a check that the attack suite cuts out", () => {
  it.each(tables)("is there once: $layer", ({ cuts }) => {
    for (const cut of cuts) expect(applyCut(read(cut.file), cut)).not.toBe(read(cut.file));
  });

  it("is there once: the life of a challenge", () => {
    expect(applyCut(read(SHORT.file), SHORT)).not.toBe(read(SHORT.file));
  });

  it("is refused when it is not there, or there twice", () => {
    const cut = { file: "some.ts", from: "if (isBad) throw", to: "" };
    expect(() => applyCut("if (isGood) throw", cut)).toThrow("0 places");
    expect(() => applyCut("if (isBad) throw; if (isBad)\n  throw", cut)).toThrow("2 places");
  });
});

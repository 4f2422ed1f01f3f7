/** Every code that a host can give has words: looked for in the sources, because the codes are spread over what gives them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unknownReasons } from "../../../agent/host/posture/fact.ts";
import { explainOutcome } from "../../../protocol/outcome-words.ts";
import { explainReason, reasonSentence } from "../../../protocol/posture-words.ts";

const root = join(import.meta.dirname, "../../..");

function sourcesBelow(directory: string): string {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && file.name.endsWith(".ts"))
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"))
    .join("\n");
}

const found = (sources: string, pattern: RegExp): readonly string[] => [
  ...new Set([...sources.matchAll(pattern)].flatMap(([, code]) => (code === undefined ? [] : [code]))),
];

describe("what a host says by a code", () => {
  const remedies = sourcesBelow("agent/host/remedies");
  const judgements = sourcesBelow("agent/host/posture/checks");

  it("of what could not be seen", () => {
    expect(unknownReasons.filter((code) => explainReason(code) === undefined)).toEqual([]);
  });

  it("of what does not apply", () => {
    const codes = found(judgements, /(?:return|\?) "([a-z]+(?:_[a-z]+)+)"/g);
    expect(codes.length).toBeGreaterThan(8);
    expect(codes.filter((code) => explainReason(code) === undefined)).toEqual([]);
  });

  it("of what stands in the way of a fix, in a plan and in a receipt", () => {
    const refused = found(remedies, /refuse\("([a-z_]+)"/g);
    const blocked = found(remedies, /blocked\("([a-z_]+)"|code: "([a-z_]+)" as const/g);
    const undone = found(remedies, /reason: "([a-z_]+)"/g);
    expect(refused.length).toBeGreaterThan(6);
    expect(undone.length).toBeGreaterThan(3);
    const inPlans = [...refused, ...blocked, ...undone];
    expect(inPlans.filter((code) => explainReason(code) === undefined)).toEqual([]);
    const inReceipts = [...refused, ...undone].filter(
      (code) => !["failed", "malformed_order", "nothing_seen"].includes(code),
    );
    expect(inReceipts.filter((code) => explainOutcome(code) === undefined)).toEqual([]);
  });

  it("and of one that is newer than this page, as it is", () => {
    expect(explainReason("constructor")).toBeUndefined();
    expect(reasonSentence("something_newer")).toBe("The host says: something_newer.");
  });
});

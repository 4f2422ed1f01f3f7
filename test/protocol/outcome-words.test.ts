import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gatewayFaults } from "../../agent/host/gateway/faults.ts";
import { reasonOf } from "../../agent/host/gateway/operations/acting.ts";
import { explainOutcome, outcomeWords } from "../../protocol/outcome-words.ts";

const folders = ["agent/host/gateway", "agent/host/warden"];
const sources = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(folder, name), "utf8")),
);
const said = sources.flatMap((source) =>
  [...source.matchAll(/(?:\bfailed\(|new Refusal\(|\breason: )\s*"([a-z_]{2,})"/g)].map(([, reason = ""]) => reason),
);

describe("what a receipt's reason says", () => {
  it("has words for every reason that a host gives", () => {
    expect(said.length).toBeGreaterThan(30);
    const other = new Set(["reset"]); // what the gateway itself is told
    expect([...new Set(said)].filter((reason) => !other.has(reason) && explainOutcome(reason) === undefined)).toEqual(
      [],
    );
    expect(gatewayFaults.map(reasonOf).filter((reason) => explainOutcome(reason) === undefined)).toEqual([]);
  });

  it("is a plain sentence and a next step", () => {
    for (const { what, next } of Object.values(outcomeWords)) {
      expect(`${what} ${next}`).not.toMatch(/!|please|oops/i);
      expect(what).toMatch(/^[A-Z].*\.$/);
      expect(next).toMatch(/^[A-Z].*\.$/);
    }
    expect(explainOutcome("toString")).toBeUndefined();
  });
});

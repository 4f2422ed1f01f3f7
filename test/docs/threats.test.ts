/** docs/THREAT-MODEL.md: the code and tests it points to are there, and the refusals it names exist. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readRefusals } from "../../protocol/reading.ts";
import { refusalCodes } from "../../protocol/refusals.ts";
import { tabled } from "./errors.ts";
import { column, tableUnder } from "./markdown.ts";
import { quotedMembers, read, ROOT } from "./source.ts";

const threats = read("docs/THREAT-MODEL.md");

const known = new Set<string>([
  ...refusalCodes,
  ...quotedMembers(read("protocol/trust/refusals.ts"), "export type TrustRefusal").map(({ name }) => `trust:${name}`),
  ...readRefusals.map((code) => `read:${code}`),
  ...tabled("worker/http/problems.ts", "PROBLEMS").map(({ code }) => `edge:${code}`),
]);

describe("docs/THREAT-MODEL.md", () => {
  it("points each layer to code that is there", () => {
    const files = column(tableUnder(threats, "Six layers"), "code").flatMap((cell) => cell.split(", "));
    expect(files.length).toBeGreaterThan(8);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it("shows each known attack by a test that is there", () => {
    const tests = column(tableUnder(threats, "Known attacks"), "shown in").flatMap((cell) => cell.split(", "));
    expect(tests.length).toBeGreaterThan(20);
    expect(tests.filter((test) => !existsSync(join(ROOT, test)))).toEqual([]);
  });

  it("names refusals that exist", () => {
    const cells = tableUnder(threats, "Known attacks").rows.map((row) => row[1] ?? "");
    const codes = cells.flatMap((cell) => [...cell.matchAll(/`([a-z:_.]+)`/g)].map((match) => match[1] ?? ""));
    expect(codes.length).toBeGreaterThan(15);
    expect(codes.filter((code) => !known.has(code) && !known.has(`approval.${code}`))).toEqual([]);
  });

  it("lists the limits of the README's picture too", () => {
    const readme = read("README.md");
    for (const phrase of ["One OS user", "own machine"]) {
      expect(threats).toContain(phrase);
      expect(readme).toContain(phrase);
    }
  });
});

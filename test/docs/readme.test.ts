/** README.md against the tree, package.json and the list of promises. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { column, plain, tableUnder, tables } from "./markdown.ts";
import { filesBelow, read, ROOT } from "./source.ts";

const readme = read("README.md");
const documents = ["README.md", "SECURITY.md", "CHANGELOG.md", ...filesBelow("docs", ".md")];
const manifest = JSON.parse(read("package.json")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** How many promises each letter has. Ids are stable: numbers only grow. */
const PROMISES = { I: 11, T: 13, A: 4, H: 9, G: 6, B: 6, E: 7, N: 11 } as const;
const allPromises = Object.entries(PROMISES).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
);

function promisesIn(text: string): readonly string[] {
  return [...text.matchAll(/\b([ITAHGBEN])([1-9]|1[0-3])\b/g)].map((match) => match[0]);
}

describe("README.md", () => {
  it("lists directories that exist, and all of them", () => {
    const listed = column(tableUnder(readme, "Layout"), "path");
    expect(listed.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const sources = ["protocol", "durable-objects", "worker", "agent", "web", "migrations", "test", "docs"];
    expect(listed.toSorted()).toEqual(sources.map((name) => `${name}/`).toSorted());
  });

  it("names each promise once: kept, kept in part, or not there yet", () => {
    const text = readme.slice(readme.indexOf("## What holds today"));
    const kept = column(tableUnder(readme, "What holds today"), "id");
    const missing = promisesIn(text.slice(text.indexOf("Not there yet:")));
    expect([...kept, ...missing].toSorted()).toEqual(allPromises.toSorted());
  });

  it("says for each promise where it is shown, and that is there", () => {
    const table = tableUnder(readme, "What holds today");
    const places = column(table, "shown in").flatMap((cell) => cell.split(", "));
    expect(places.filter((place) => !existsSync(join(ROOT, place)))).toEqual([]);
    expect(column(table, "today").filter((today) => !/^(holds|in part: )/.test(today))).toEqual([]);
  });

  it("gives every component of the picture a line of trust", () => {
    const table = tables(readme).find(({ header }) => header[1] === "trusted for");
    expect(table?.rows.every((row) => row.every((cell) => plain(cell) !== ""))).toBe(true);
  });

  it("draws boxes whose sides meet", () => {
    const [picture = ""] = /```text\n A PERSON[\s\S]*?```/.exec(readme) ?? [];
    const sides = (line: string): string => [...line.matchAll(/[|+]/g)].map((match) => match.index).join(" ");
    const left = picture.split("\n").filter((line) => line.startsWith("|"));
    expect(new Set(left.map(sides)).size).toBe(1);
    const top = picture.split("\n").find((line) => line.startsWith("+")) ?? "";
    expect(sides(top)).toBe(sides(left[0] ?? ""));
  });
});

describe("what documents name", () => {
  it.each(documents)("%s names npm scripts that exist", (path) => {
    const named = [...read(path).matchAll(/\bnpm (?:run ([a-z:-]+)|(start|test)\b)/g)].map((m) => m[1] ?? m[2] ?? "");
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });

  it.each(documents)("%s names promises that exist", (path) => {
    const named = [...read(path).matchAll(/\bpromise ([A-Z]\d{1,2})\b/g)].map((match) => match[1] ?? "");
    expect(named.filter((id) => !allPromises.includes(id))).toEqual([]);
  });

  it.each(documents)("%s names source files that exist", (path) => {
    const named = [
      ...read(path).matchAll(/`((?:protocol|durable-objects|worker|agent|web|migrations|test)\/[^`\s*<]*)`/g),
    ];
    expect(named.map((match) => match[1] ?? "").filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it("gives every dependency a reason, and no other", () => {
    const listed = tables(read("docs/decisions/0001-dependencies.md")).flatMap((table) =>
      column(table, "package").flatMap((cell) => cell.split(", ")),
    );
    const { dependencies, optionalDependencies, devDependencies } = manifest;
    const needed = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies });
    expect(listed.toSorted()).toEqual(needed.toSorted());
  });
});

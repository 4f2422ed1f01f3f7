/** "A wrong import does not compile" (README, Layout): our own project files, asked with one import of each kind. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "./source.ts";

/** Who may import whom. */
const ARROWS = {
  protocol: [],
  migrations: [],
  "durable-objects": ["protocol", "migrations"],
  worker: ["protocol", "migrations", "durable-objects"],
  agent: ["protocol"],
  web: ["protocol"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
const projects = Object.keys(ARROWS);

let place: string;

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), "clawhold-imports-"));
  symlinkSync(join(ROOT, "node_modules"), join(place, "node_modules"));
  cpSync(join(ROOT, "tsconfig.base.json"), join(place, "tsconfig.base.json"));
  for (const name of projects) {
    mkdirSync(join(place, name));
    cpSync(join(ROOT, name, "tsconfig.json"), join(place, name, "tsconfig.json"));
    writeFileSync(join(place, name, "own.ts"), "export const own = 1;\n");
  }
  for (const name of ["tsconfig.build.json", "build.ts"]) cpSync(join(ROOT, "web", name), join(place, "web", name));
});

afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Which of the others a project cannot import, by the compiler's own word. */
function refused(from: string): readonly string[] {
  const others = projects.filter((name) => name !== from);
  for (const to of others) {
    writeFileSync(join(place, from, `uses-${to}.ts`), `export { own } from "../${to}/own.ts";\n`);
  }
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-b", from], { cwd: place, encoding: "utf8" });
  for (const to of others) rmSync(join(place, from, `uses-${to}.ts`));
  const errors = [...stdout.matchAll(/uses-([a-z-]+)\.ts\S* error TS6307/g)].map((match) => match[1] ?? "");
  expect(stdout.split("\n").filter((line) => line.includes("error") && !line.includes("TS6307"))).toEqual([]);
  return [...new Set(errors)].toSorted();
}

describe("imports", () => {
  it.each(Object.entries(ARROWS))(
    "%s may use what it may use, and nothing else",
    (from, allowed: readonly string[]) => {
      const forbidden = projects.filter((name) => name !== from && !allowed.includes(name));
      expect(refused(from)).toEqual(forbidden.toSorted());
    },
  );
});

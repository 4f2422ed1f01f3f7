import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readStaticFiles } from "../../agent/edge/static-files.ts";
import { buildWeb, type FirstLoad } from "../../web/build.ts";

const MAX_FIRST_SCRIPT_BYTES = 100_000;

let outDir: string;
let first: FirstLoad;
const read = (name: string) => readFile(join(outDir, name), "utf8");

beforeAll(async () => {
  outDir = await mkdtemp(join(tmpdir(), "clawhold-build-"));
  first = await buildWeb({ outDir, minify: true });
}, 60_000);
afterAll(() => rm(outDir, { recursive: true }));

describe("the dashboard's first script", () => {
  it("with all that it imports is at most 100 kB, gzipped", async () => {
    const sizes = [first.script, ...first.imports].map(async (name) => gzipSync(await read(name), { level: 9 }).length);
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(MAX_FIRST_SCRIPT_BYTES);
  });

  it("is named with all that it imports and the stylesheet, each with its whole hash", async () => {
    const named = Array.from(
      (await read("index.html")).matchAll(/(?:href|src)="\/([\w.-]+)" integrity="sha384-([^"]+)"/g),
      ([, name = "", hash = ""]) => ({ name, hash }),
    );
    expect(named.map(({ name }) => name).toSorted()).toEqual([first.script, first.style, ...first.imports].toSorted());
    for (const { name, hash } of named) {
      expect(
        createHash("sha384")
          .update(await read(name))
          .digest("base64"),
        name,
      ).toBe(hash);
    }
  });

  it("comes as one: pages share it whole, and not in pieces", () => {
    expect(first.imports).toHaveLength(1);
  });

  it("holds what verifies, and no page", async () => {
    const text = (await Promise.all(first.imports.map(read))).join("");
    expect(text.includes("webauthn.get")).toBe(true); // protocol/assertion.ts
    expect(text.includes("A view of the trust log")).toBe(false); // web/pages/people/
    expect(text.includes("abandon")).toBe(false); // the list of words (web/client/words.ts)
  });
});

describe("the other files of the dashboard", () => {
  it("are asked for by a script of the build, and every script that is asked for is there", async () => {
    const files = await readdir(outDir);
    const scripts = files.filter((name) => name.endsWith(".js"));
    const text = (await Promise.all(scripts.map(read))).join("");
    const asked = Array.from(text.matchAll(/"\.\/([\w-]+\.js)"/g), ([, name = ""]) => name);
    expect([...new Set([first.script, ...asked])].toSorted()).toEqual(scripts.toSorted());
    expect(files.filter((name) => !name.endsWith(".js")).toSorted()).toEqual(
      [first.style, "favicon.svg", "index.html"].toSorted(),
    );
  });

  it("never change under their names, except the document and its picture", () => {
    const lasting = [...readStaticFiles(outDir)].filter(([, { headers }]) => headers["cache-control"] === "no-cache");
    expect(lasting.map(([name]) => name).toSorted()).toEqual(["/favicon.svg", "/index.html"]);
  });
});

/** The executing side reaches no network: proven by walking every import from its port, types left out. */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../../../..");
const warden = join(root, "agent", "host", "warden");

const FORBIDDEN =
  /^(node:)?(net|http|https|http2|tls|dgram|dns|dns\/promises|child_process|cluster|worker_threads|inspector)$|^(ws|undici|hono)$/;
const FORBIDDEN_GLOBALS = /\b(fetch|WebSocket|EventSource|XMLHttpRequest)\s*\(|\bnew WebSocket\b/;

/** Value imports and re-exports of a module: `import type` is gone when the program runs. */
function importsOf(source: string): readonly string[] {
  const statements = source.matchAll(/^\s*(?:import|export)\s+(?!type\b)(?:[^;'"]*?\bfrom\s*)?["']([^"']+)["']/gm);
  const dynamic = source.matchAll(/\bimport\(\s*["']([^"']+)["']/g);
  return [...statements, ...dynamic].map((match) => match[1] ?? "");
}

interface Walk {
  readonly files: Set<string>;
  readonly packages: Map<string, string>;
}

function walk(file: string, seen: Walk): Walk {
  if (seen.files.has(file)) return seen;
  seen.files.add(file);
  for (const name of importsOf(readFileSync(file, "utf8"))) {
    if (name.startsWith(".")) walk(resolve(dirname(file), name), seen);
    else seen.packages.set(name, relative(root, file));
  }
  return seen;
}

const seen: Walk = { files: new Set(), packages: new Map() };
for (const name of readdirSync(warden)) walk(join(warden, name), seen);

describe("the warden's imports", () => {
  it("sees the whole graph", () => {
    expect(seen.files.has(join(root, "protocol", "verify.ts"))).toBe(true);
    expect(seen.files.has(join(warden, "commands.ts"))).toBe(true);
    expect(
      importsOf('import { connect } from "node:net";\nexport * from "./x.ts";\nimport type { A } from "ws";'),
    ).toEqual(["node:net", "./x.ts"]);
  });

  it("reach no network module and start no process", () => {
    const forbidden = [...seen.packages].filter(([name]) => FORBIDDEN.test(name));
    expect(forbidden).toEqual([]);
  });

  it("come from a short list of packages", () => {
    const packages = [...seen.packages.keys()].filter((name) => !name.startsWith("node:")).toSorted();
    expect(packages).toEqual([
      "@hpke/core",
      "@noble/hashes/sha2.js",
      "@scure/bip39/wordlists/english.js",
      "canonicalize",
      "valibot",
    ]);
  });

  it("use no global that reaches a network", () => {
    for (const file of seen.files) {
      const code = readFileSync(file, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      expect(FORBIDDEN_GLOBALS.test(code), relative(root, file)).toBe(false);
    }
  });

  it("and never the link, the reader or the CLI", () => {
    const foreign = [...seen.files]
      .map((file) => relative(root, file))
      .filter((file) => /agent\/(cli|host\/(link|gateway|demo))\//.test(file));
    expect(foreign).toEqual([]);
  });
});

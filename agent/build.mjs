// Builds dist/ (or the folder given as argument): the agent and CLI for Node, the Worker, the dashboard, the migrations as data. Run under the
// pinned Node. Writes dist/.built last, so that an interrupted build is built again.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { RELEASE_PAGE_FILES } from "../protocol/release.ts";
import { buildWeb } from "../web/build.ts";
import { agentBundle, hostProgramBundle, postureBundle } from "./agent-bundle.ts";
import { buildRelease } from "./install/build-release.ts";

const root = path.dirname(import.meta.dirname);
const dist = path.resolve(process.argv[2] ?? path.join(root, "dist"));
const file = (...parts) => path.join(root, ...parts);

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

const common = { bundle: true, format: "esm", target: "es2023", legalComments: "none", logLevel: "warning" };

await build({
  ...common,
  // The second: a thread of its own.
  entryPoints: { clawhold: file("agent", "main.ts"), "tree-thread": file("agent", "verify", "tree-thread.ts") },
  outdir: dist,
  outExtension: { ".js": ".mjs" },
  platform: "node",
  target: "node24",
  splitting: true,
  // Beside the entry: files that code finds by import.meta.url are then in one known place.
  chunkNames: "[name]-[hash]",
  // workerd is a binary beside us; ws's optional native helpers are not installed.
  external: ["workerd", "bufferutil", "utf-8-validate"],
  banner: {
    js: 'import { createRequire as _createRequire } from "node:module"; const require = _createRequire(import.meta.url);',
  },
});

// The agent's own program.
await build(agentBundle(dist));
await build(postureBundle(dist));
// What a person types on a host that was installed.
await build(hostProgramBundle(dist));

// The lockfile of the demo gateway, which the agent looks for beside itself.
cpSync(file("agent", "host", "demo", "openclaw"), path.join(dist, "openclaw"), { recursive: true });

await build({
  ...common,
  entryPoints: { worker: file("worker", "index.ts") },
  outdir: dist,
  conditions: ["workerd", "worker", "browser"],
  external: ["cloudflare:*", "node:*"],
});

await buildWeb({ outDir: path.join(dist, "web"), minify: true });
// Nobody has signed a release of this build: said by empty files, since a browser writes each 404 to its console.
for (const name of Object.values(RELEASE_PAGE_FILES)) writeFileSync(path.join(dist, "web", name), "");

const migrations = readdirSync(file("migrations"))
  .filter((name) => name.endsWith(".sql"))
  .toSorted()
  .map((name) => ({ name, sql: readFileSync(file("migrations", name), "utf8") }));
writeFileSync(path.join(dist, "migrations.json"), JSON.stringify(migrations));

const { version } = JSON.parse(readFileSync(file("package.json"), "utf8"));
writeFileSync(path.join(dist, "version"), `${version}\n`);

buildRelease({ dist, version });

writeFileSync(path.join(dist, ".built"), "");

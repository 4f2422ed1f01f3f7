// Builds dist/ (or the folder given as argument): the agent and CLI for Node, the Worker, the dashboard, the migrations as data. Run under the
// pinned Node. Writes dist/.built last, so that an interrupted build is built again.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { buildWeb } from "../web/build.ts";

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

/** In place of one of Node's modules that is loaded and never used. */
function emptyModule(name) {
  return {
    name: `empty-${name}`,
    setup(building) {
      building.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: "empty" }));
      building.onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "module.exports = {};" }));
    },
  };
}

/** What the protocol hashes with, where it runs as an agent. */
function nativeSha256() {
  const native = file("agent", "shared", "native-sha256.ts");
  return {
    name: "native-sha256",
    setup(building) {
      building.onResolve({ filter: /^@noble\/hashes\/sha2\.js$/ }, ({ importer }) =>
        path.dirname(importer) === file("protocol") ? { path: native } : undefined,
      );
    },
  };
}

// The agent's own program. CommonJS: see agent/host-main.ts.
await build({
  ...common,
  entryPoints: { agent: file("agent", "host-main.ts") },
  outdir: dist,
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  platform: "node",
  target: "node24",
  external: ["bufferutil", "utf-8-validate"],
  // The text of a program is in memory too. Names stay, for whoever reads where something went wrong.
  minifyWhitespace: true,
  minifySyntax: true,
  // Compression is never offered on a tunnel, nor to a gateway, so ws never calls it.
  plugins: [emptyModule("zlib"), nativeSha256()],
});

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

const migrations = readdirSync(file("migrations"))
  .filter((name) => name.endsWith(".sql"))
  .toSorted()
  .map((name) => ({ name, sql: readFileSync(file("migrations", name), "utf8") }));
writeFileSync(path.join(dist, "migrations.json"), JSON.stringify(migrations));

const { version } = JSON.parse(readFileSync(file("package.json"), "utf8"));
writeFileSync(path.join(dist, "version"), `${version}\n`);

writeFileSync(path.join(dist, ".built"), "");

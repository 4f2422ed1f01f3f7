/** The Worker's bundle as it is shipped, made once for both runtimes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import type { Migration } from "../../agent/edge/d1.ts";

const root = path.resolve(import.meta.dirname, "../..");

export interface Bundle {
  readonly directory: string;
  readonly workerPath: string;
  readonly migrations: readonly Migration[];
  remove(): void;
}

/** `entry`: another Worker, from the root of the tree. */
export async function bundleWorker(entry = "worker/index.ts"): Promise<Bundle> {
  const directory = mkdtempSync(path.join(tmpdir(), "parity-"));
  const workerPath = path.join(directory, "worker.js");
  await build({
    entryPoints: [path.join(root, entry)],
    outfile: workerPath,
    bundle: true,
    format: "esm",
    target: "es2023",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "warning",
  });
  return {
    directory,
    workerPath,
    migrations: readMigrations(),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function readMigrations(): readonly Migration[] {
  const directory = path.join(root, "migrations");
  const names = readdirSync(directory).filter((name) => name.endsWith(".sql"));
  return names
    .toSorted((a, b) => a.localeCompare(b))
    .map((name) => ({ name, sql: readFileSync(path.join(directory, name), "utf8") }));
}

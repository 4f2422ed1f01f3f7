/**
 * The packages that the Worker imports, each as one file: every test file starts a workerd of its own, which fetches module by
 * module, and packages have hundreds. What is ours stays as it is written. A package that is missing here works too, slowly.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const PACKAGES = [
  "@noble/ed25519",
  "@noble/hashes/sha2.js",
  "@peculiar/x509",
  "@simplewebauthn/server",
  "@simplewebauthn/server/helpers",
  "canonicalize",
  "drizzle-orm",
  "drizzle-orm/d1",
  "drizzle-orm/sqlite-core",
  "hono",
  "jose",
  "reflect-metadata",
  "valibot",
] as const;

interface Alias {
  readonly find: RegExp;
  readonly replacement: string;
}

/** What they share they share here too, so that there is one of each class. */
export async function packagesAsFiles(root: string): Promise<Alias[]> {
  const folder = path.join(root, ".cache", "worker-packages");
  const names = new Map(PACKAGES.map((name) => [name, name.replaceAll(/[^a-z0-9]+/g, "_")]));
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries([...names].map(([name, file]) => [file, name])),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2023",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
    write: false,
  });
  mkdirSync(folder, { recursive: true });
  for (const { path: file, contents } of outputFiles) put(file, contents);
  return [...names].map(([name, file]) => ({
    find: new RegExp(`^${name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`),
    replacement: path.join(folder, `${file}.mjs`),
  }));
}

/** Another run may be reading them. */
function put(file: string, contents: Uint8Array): void {
  if (existsSync(file) && readFileSync(file).equals(contents)) return;
  const fresh = `${file}.${String(process.pid)}`;
  writeFileSync(fresh, contents);
  renameSync(fresh, file);
}

/**
 * Builds the dashboard: one script, one stylesheet, one page, one picture. No request to another origin is possible,
 * nothing is inlined, so it runs under the strict policy that the front sends.
 * Run directly: `node web/build.ts <out directory>`.
 */
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export interface WebBuildOptions {
  readonly outDir: string;
  readonly minify: boolean;
  /** Another entry than the product's; tests build their fixture pages with it. */
  readonly entry?: string;
}

const here = dirname(fileURLToPath(import.meta.url));

/** Copied as they are. */
export const staticFiles = ["index.html", "favicon.svg"] as const;

export async function buildWeb({ outDir, minify, entry = join(here, "main.tsx") }: WebBuildOptions): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const shared = { bundle: true, minify, target: "es2022", logLevel: "warning" } as const;
  await Promise.all([
    build({
      ...shared,
      entryPoints: [entry],
      outfile: join(outDir, "app.js"),
      format: "esm",
      platform: "browser",
      jsx: "automatic",
      jsxImportSource: "preact",
      legalComments: "eof",
    }),
    build({
      ...shared,
      entryPoints: [join(here, "styles/app.css")],
      outfile: join(outDir, "app.css"),
      target: "chrome123",
    }),
    ...staticFiles.map((name) => copyFile(join(here, name), join(outDir, name))),
  ]);
}

if (import.meta.main) {
  await buildWeb({ outDir: process.argv[2] ?? join(here, "../dist/web"), minify: true });
}

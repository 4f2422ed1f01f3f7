/**
 * Builds the dashboard: a first script, a script for each page, what several pages share, one stylesheet, one document,
 * one picture. Every script and the stylesheet carry the hash of their content in their names, and the document states the
 * whole hash of what it loads. No request to another origin is possible, nothing is inlined, so it runs under the
 * strict policy that the front sends.
 * Run directly: `node web/build.ts <out directory>`.
 */
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile, type Plugin } from "esbuild";

export interface WebBuildOptions {
  readonly outDir: string;
  readonly minify: boolean;
  /** Another entry than the product's; tests build their fixture pages with it. */
  readonly entry?: string;
}

const here = dirname(fileURLToPath(import.meta.url));

/** As agent/edge/static-files.ts knows what never changes: esbuild's hash is eight characters of base 32. */
const HASHED = "[name]-[hash]";

/** What a browser loads before it shows anything. */
export interface FirstLoad {
  /** The script that the document names. */
  readonly script: string;
  /** What that script imports, however deep. */
  readonly imports: readonly string[];
  readonly style: string;
}

export async function buildWeb({
  outDir,
  minify,
  entry = join(here, "main.tsx"),
}: WebBuildOptions): Promise<FirstLoad> {
  await mkdir(outDir, { recursive: true });
  const shared = { bundle: true, minify, logLevel: "warning", metafile: true, absWorkingDir: here } as const;
  const [scripts, styles] = await Promise.all([
    build({
      ...shared,
      entryPoints: { app: entry },
      outdir: outDir,
      entryNames: HASHED,
      chunkNames: HASHED,
      splitting: true,
      plugins: [pagesStandOn(entry)],
      target: "es2022",
      format: "esm",
      platform: "browser",
      jsx: "automatic",
      jsxImportSource: "preact",
      legalComments: "eof",
    }),
    build({
      ...shared,
      entryPoints: { app: join(here, "styles/app.css") },
      outdir: outDir,
      entryNames: HASHED,
      target: "chrome123",
    }),
    copyFile(join(here, "favicon.svg"), join(outDir, "favicon.svg")),
  ]);
  const script = entryOf(scripts.metafile);
  const first: FirstLoad = {
    script: basename(script),
    imports: importsOf(scripts.metafile, script).map((path) => basename(path)),
    style: basename(entryOf(styles.metafile)),
  };
  await writeFile(join(outDir, "index.html"), await documentFor(first, outDir));
  return first;
}

/**
 * Lets every page import the entry that it is fetched by. A page is always fetched by a running entry, so this changes
 * nothing but the cut: all that the entry has comes in one script, instead of one for each set of pages that share it.
 */
function pagesStandOn(entry: string): Plugin {
  return {
    name: "pages-stand-on-the-entry",
    setup(bundle) {
      bundle.onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        if (kind !== "dynamic-import") return undefined;
        const file = resolve(resolveDir, path);
        return { path: nameOf(file), namespace: "page", pluginData: file };
      });
      bundle.onLoad({ filter: /.*/, namespace: "page" }, ({ pluginData }) => {
        const file = String(pluginData);
        const contents = `import ${JSON.stringify(entry)};\nexport * from ${JSON.stringify(file)};\n`;
        return { contents, resolveDir: dirname(file), loader: "js" };
      });
    },
  };
}

/** `pages/fleet/page.tsx` is the page `fleet`. */
function nameOf(file: string): string {
  return basename(file) === "page.tsx" ? basename(dirname(file)) : basename(file, ".tsx");
}

function entryOf({ outputs }: Metafile): string {
  const [path, ...others] = Object.keys(outputs).filter((name) => /^app-[A-Z2-7]{8}\.(js|css)$/.test(basename(name)));
  if (path === undefined || others.length > 0) throw new TypeError("the build has not exactly one entry");
  return path;
}

function importsOf({ outputs }: Metafile, entry: string): readonly string[] {
  const found = new Set<string>([entry]);
  // A set visits what is added while it is walked.
  for (const path of found)
    for (const { kind, path: imported } of outputs[path]?.imports ?? [])
      if (kind === "import-statement") found.add(imported);
  return [...found].filter((path) => path !== entry);
}

const SCRIPT = '<script type="module" src="/app.js"></script>';
const STYLE = '<link rel="stylesheet" href="/app.css" />';

async function documentFor({ script, imports, style }: FirstLoad, outDir: string): Promise<string> {
  const file = async (name: string) => `"/${name}" integrity="${integrity(await readFile(join(outDir, name)))}"`;
  const ahead = await Promise.all(imports.map(async (name) => `<link rel="modulepreload" href=${await file(name)} />`));
  const document = await readFile(join(here, "index.html"), "utf8");
  const styled = replaceOne(document, STYLE, `<link rel="stylesheet" href=${await file(style)} />`);
  const scripted = [...ahead, `<script type="module" src=${await file(script)}></script>`].join("\n    ");
  return replaceOne(styled, SCRIPT, scripted);
}

function integrity(bytes: Uint8Array): string {
  return `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
}

function replaceOne(text: string, old: string, now: string): string {
  const [before, after, ...more] = text.split(old);
  if (before === undefined || after === undefined || more.length > 0) throw new TypeError(`not exactly once: ${old}`);
  return before + now + after;
}

if (import.meta.main) {
  await buildWeb({ outDir: process.argv[2] ?? join(here, "../dist/web"), minify: true });
}

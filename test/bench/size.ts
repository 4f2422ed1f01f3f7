/** What a browser downloads before it can show anything, and what the page that most people open first adds. */
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { row, type Bench } from "./bench.ts";

const web = path.resolve(import.meta.dirname, "../../dist/web");
const TARGET_KB = 100;

function gzipKb(files: Iterable<string>): number {
  return (
    [...files].reduce((sum, file) => sum + gzipSync(readFileSync(path.join(web, file)), { level: 9 }).length, 0) / 1000
  );
}

/** Names that a text of the build refers to; every file of it carries a hash. */
function namesIn(file: string, pattern: RegExp): readonly string[] {
  return Array.from(readFileSync(path.join(web, file), "utf8").matchAll(pattern), ([, name = ""]) => name);
}

/** With everything that it imports, however deep; not what it fetches later. */
function scriptsOf(script: string): ReadonlySet<string> {
  const found = new Set([script]);
  for (const name of found) {
    for (const imported of namesIn(name, /(?:from|import)"\.\/([\w-]+\.js)"/g)) found.add(imported);
  }
  return found;
}

export function firstScriptKb(): number {
  const [script = ""] = namesIn("index.html", /<script type="module" src="\/([\w-]+\.js)"/g);
  return gzipKb(scriptsOf(script));
}

export const size: Bench = {
  name: "size",
  about: "scripts and style of the dashboard, gzip",
  async run() {
    const [script = ""] = namesIn("index.html", /<script type="module" src="\/([\w-]+\.js)"/g);
    const first = scriptsOf(script);
    const fleet = readdirSync(web).filter((name) => /^fleet-[A-Z2-7]{8}\.js$/.test(name));
    const added = new Set(fleet.flatMap((name) => [...scriptsOf(name)].filter((needed) => !first.has(needed))));
    return [
      row({ name: "script", value: gzipKb(first), unit: "kB gzip", target: TARGET_KB }),
      row({ name: "fleet page, beside it", value: gzipKb(added), unit: "kB gzip" }),
      row({ name: "style", value: gzipKb(namesIn("index.html", /href="\/([\w-]+\.css)"/g)), unit: "kB gzip" }),
    ];
  },
};

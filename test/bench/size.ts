/** What a browser downloads before it can show anything. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { row, type Bench } from "./bench.ts";

const web = path.resolve(import.meta.dirname, "../../dist/web");
/** A budget of our own, for the day when every page is there; this version has four. */
const TARGET_KB = 100;

function gzipKb(file: string): number {
  return gzipSync(readFileSync(path.join(web, file)), { level: 9 }).length / 1000;
}

export const size: Bench = {
  name: "size",
  about: "script and style of the dashboard, gzip",
  async run() {
    return [
      row({ name: "script", value: gzipKb("app.js"), unit: "kB gzip", target: TARGET_KB }),
      row({ name: "style", value: gzipKb("app.css"), unit: "kB gzip" }),
    ];
  },
};

// A release of another version from what is built: node agent/build-release.mjs [<dist>] [--version <x.y.z>] [--out <folder>].
// agent/build.mjs makes the one of this version by itself. Run it under the pinned Node, whose gzip gives the same bytes.
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildRelease } from "./install/build-release.ts";

const { values, positionals } = parseArgs({
  options: { version: { type: "string" }, out: { type: "string" } },
  allowPositionals: true,
});
const dist = path.resolve(positionals[0] ?? path.join(import.meta.dirname, "..", "dist"));
const version = values.version ?? readFileSync(path.join(dist, "version"), "utf8").trim();
buildRelease({ dist, version, ...(values.out === undefined ? {} : { out: path.resolve(values.out) }) });

// Signs a release, on a machine that is no server.
//   node agent/release-sign.mjs --make-key <secret file>        once; the public half goes to release-key.json, which builds take along
//   node agent/release-sign.mjs --key <secret file> [<folder>]  writes release.json beside the archive in dist/install
import path from "node:path";
import { parseArgs } from "node:util";
import { makeReleaseKey, signRelease } from "./install/sign-release.ts";

const root = path.dirname(import.meta.dirname);
const { values, positionals } = parseArgs({
  options: { key: { type: "string" }, "make-key": { type: "string" } },
  allowPositionals: true,
});
if (values["make-key"] !== undefined) makeReleaseKey(values["make-key"], path.join(root, "release-key.json"));
else if (values.key !== undefined)
  signRelease(path.resolve(positionals[0] ?? path.join(root, "dist", "install")), values.key);
else {
  console.error("Give --make-key <file> once, then --key <file> for each release.");
  process.exitCode = 64;
}

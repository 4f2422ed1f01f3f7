// Makes dist/install/ from dist/: what another machine needs to become a host, as one archive, and the script that checks and
// unpacks it. Same build, same bytes: the command of `clawhold host add` names their SHA-256. Run by agent/build.mjs; alone it
// makes a release of another version from what is built: node agent/build-release.mjs <dist> [--version <x.y.z>] [--out <folder>]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { parseArgs } from "node:util";
import { writeTar } from "./install/tar.ts";

const root = path.dirname(import.meta.dirname);
/** Whoever signs releases puts the public half of the key here (agent/release-sign.mjs); hosts pin it when they are installed. */
const RELEASE_KEY = path.join(root, "release-key.json");

/** In the archive always; those after it when the build has them. */
const NEEDED = ["agent.cjs", "posture.cjs", "clawhold.cjs"];
const OPTIONAL = ["advisories.json", "advisories.json.sig"];

export function buildRelease({ dist, version, out = path.join(dist, "install") }) {
  if (!/^\d{1,5}\.\d{1,5}\.\d{1,5}$/.test(version))
    throw new TypeError(`a release has a version like 1.2.3: ${version}`);
  const read = (name) => ({ name, bytes: readFileSync(path.join(dist, name)) });
  const text = (name, content) => ({ name, bytes: Buffer.from(content) });
  const launcher = readFileSync(path.join(root, "agent", "install", "launcher.sh"));
  const archive = writeTar([
    ...NEEDED.map(read),
    ...OPTIONAL.filter((name) => existsSync(path.join(dist, name))).map(read),
    { name: "launcher", bytes: launcher },
    text("version", `${version}\n`),
    ...(existsSync(RELEASE_KEY) ? [{ name: "release-key.json", bytes: readFileSync(RELEASE_KEY) }] : []),
  ]);
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(out, "clawhold.tar.gz"), gzipSync(archive, { level: 9 }));
  writeFileSync(path.join(out, "install.sh"), readFileSync(path.join(root, "agent", "install", "install.sh")));
  writeFileSync(path.join(out, "version"), `${version}\n`);
}

if (process.argv[1] === import.meta.filename) {
  const { values, positionals } = parseArgs({
    options: { version: { type: "string" }, out: { type: "string" } },
    allowPositionals: true,
  });
  const dist = path.resolve(positionals[0] ?? path.join(root, "dist"));
  const version = values.version ?? readFileSync(path.join(dist, "version"), "utf8").trim();
  buildRelease({ dist, version, ...(values.out === undefined ? {} : { out: path.resolve(values.out) }) });
}

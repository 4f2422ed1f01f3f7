/**
 * Makes a release from a build: what another machine needs to become a host, as one archive, and the script that checks and
 * unpacks it. The same build gives the same bytes: the command of `clawhold host add` names their SHA-256.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { utf8 } from "../../protocol/bytes.ts";
import * as v from "valibot";
import { releaseVersion } from "../../protocol/release.ts";
import { writeTar, type TarEntry } from "./tar.ts";

const sources = import.meta.dirname;
/** Whoever signs releases puts the public half of the key here (agent/release-sign.mjs); hosts pin it when they are installed. */
const RELEASE_KEY = path.resolve(sources, "../../release-key.json");

/** In the archive always; those after it when the build has them. */
const NEEDED = ["agent.cjs", "posture.cjs", "clawhold.cjs"];
const OPTIONAL = ["advisories.json", "advisories.json.sig"];

export interface ReleasePlan {
  /** Of the build. */
  readonly dist: string;
  readonly version: string;
  /** `install/` of the build unless given. */
  readonly out?: string;
  /** For tests. */
  readonly releaseKey?: string;
}

/** @throws {TypeError} for a version that hosts could not compare */
export function buildRelease({
  dist,
  version,
  out = path.join(dist, "install"),
  releaseKey = RELEASE_KEY,
}: ReleasePlan): void {
  if (!v.is(releaseVersion, version)) throw new TypeError("a release has a version like 1.2.3");
  const read = (name: string): TarEntry => ({ name, bytes: readFileSync(path.join(dist, name)) });
  const archive = writeTar([
    ...NEEDED.map(read),
    ...OPTIONAL.filter((name) => existsSync(path.join(dist, name))).map(read),
    { name: "launcher", bytes: readFileSync(path.join(sources, "launcher.sh")) },
    { name: "version", bytes: utf8(`${version}\n`) },
    ...(existsSync(releaseKey) ? [{ name: "release-key.json", bytes: readFileSync(releaseKey) }] : []),
  ]);
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(out, "clawhold.tar.gz"), gzipSync(archive, { level: 9 }));
  writeFileSync(path.join(out, "install.sh"), readFileSync(path.join(sources, "install.sh")));
  writeFileSync(path.join(out, "version"), `${version}\n`);
}

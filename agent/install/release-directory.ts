/**
 * Releases side by side below /opt/clawhold: a version is copied beside the others, whole or not at all, and becomes the one in
 * use by one rename of a link. Only root writes here.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import type { HostLayout } from "../host/units/layout.ts";
import { systemCode } from "../shared/edge-error.ts";
import { InstallError } from "./install-error.ts";
import { releaseVersion } from "../../protocol/release.ts";

/** SHA-256 of the archive that a release came in, lower-case hex. */
const SUM_FILE = "bundle-sha256";
const NODE_FILE = "node-path";

export interface Release {
  readonly version: string;
  /** Of the archive, lower-case hex. */
  readonly sha256: string;
  /** Where it is unpacked. */
  readonly from: string;
  readonly node: string;
}

export function releaseDirectory({ programs }: HostLayout, version: string): string {
  return join(programs, version);
}

/** The version that `current` or `previous` names; undefined where there is none. */
export function versionIn(link: string): string | undefined {
  try {
    const name = basename(readlinkSync(link));
    return v.is(releaseVersion, name) ? name : undefined;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "EINVAL")
      throw new InstallError("foreign", `${link} is not a link that Clawhold made. Move it away, then try again.`);
    throw error;
  }
}

/** True when this very release is there, started with this Node. */
export function holdsRelease(layout: HostLayout, release: Release): boolean {
  const directory = releaseDirectory(layout, release.version);
  if (!existsSync(directory)) return false;
  const sum = readFileSync(join(directory, SUM_FILE), "utf8").trim();
  if (sum !== release.sha256)
    throw new InstallError(
      "release_changed",
      `Version ${release.version} is installed here with other content, so nothing was changed. A build that differs needs a version of its own.`,
    );
  return readFileSync(join(directory, NODE_FILE), "utf8").trim() === release.node;
}

/** Copies it beside the others. A crash leaves a directory with another name, which the next run takes away. */
export function placeRelease(layout: HostLayout, release: Release): void {
  const target = releaseDirectory(layout, release.version);
  if (existsSync(target)) return writeWhole(join(target, NODE_FILE), `${release.node}\n`);
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o755 });
  chmodSync(partial, 0o755);
  for (const name of readdirSync(release.from)) {
    const source = join(release.from, name);
    // An archive may hold links and devices; a release holds files.
    if (!lstatSync(source).isFile())
      throw new InstallError(
        "release_damaged",
        `${name} in the archive is not a file, so nothing of it was installed.`,
      );
    writeWhole(join(partial, name), readFileSync(source));
  }
  writeWhole(join(partial, SUM_FILE), `${release.sha256}\n`);
  writeWhole(join(partial, NODE_FILE), `${release.node}\n`);
  renameSync(partial, target);
  syncDirectory(layout.programs);
}

/** Makes a version the one in use, and keeps the one before as the way back. */
export function switchRelease(layout: HostLayout, version: string): void {
  const before = versionIn(layout.current);
  if (before === version) return;
  if (before !== undefined) pointTo(layout.previous, before);
  pointTo(layout.current, version);
}

/** Takes away whatever is neither in use nor the way back. */
export function oldReleases(layout: HostLayout, next: string): readonly string[] {
  if (!existsSync(layout.programs)) return [];
  const kept = new Set([next, versionIn(layout.current), versionIn(layout.previous)]);
  return readdirSync(layout.programs).filter((name) => {
    const isRelease = v.is(releaseVersion, name.replace(/\.partial$/, ""));
    return isRelease && !kept.has(name);
  });
}

/** A rename replaces a link in one step: there is always one. */
export function pointTo(link: string, version: string): void {
  const fresh = `${link}.new`;
  rmSync(fresh, { force: true });
  symlinkSync(version, fresh);
  renameSync(fresh, link);
  syncDirectory(dirname(link));
}

/** Public files of root's: mode 0644, whatever the mask. */
export function writeWhole(path: string, content: string | Uint8Array, mode = 0o644): void {
  const fresh = `${path}.new`;
  const fd = openSync(fresh, "w", mode);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  chmodSync(fresh, mode);
  renameSync(fresh, path);
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

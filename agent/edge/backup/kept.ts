/** The backups that upgrades leave in the data directory itself: where they are, how many stay, how a person goes back to one. */

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { systemCode } from "../../shared/edge-error.ts";

/** Each is as large as the data; two upgrades back is as far as anybody goes. */
const KEPT_BACKUPS = 2;
const NAME = /^before-[0-9A-Za-z.+-]+-[0-9]{8}T[0-9]{9}Z$/;
/** Names the backup of an upgrade that has begun; gone once a start finds nothing left to do. */
const UNFINISHED = "unfinished";

/** `version`: of the program that is about to change the data. */
export function backupName(version: string, at: Date): string {
  return `before-${version}-${at.toISOString().replaceAll(/[-:.]/g, "")}`;
}

/** Oldest first. */
export function listBackups(root: string): readonly string[] {
  const directory = join(root, "backups");
  try {
    const names = readdirSync(directory).filter((name) => NAME.test(name));
    return names.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b))).map((name) => join(directory, name));
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

function timeOf(name: string): string {
  return name.slice(name.lastIndexOf("-") + 1);
}

/** What an interrupted one left goes too. */
export function pruneBackups(root: string): void {
  for (const path of listBackups(root).slice(0, -KEPT_BACKUPS)) rmSync(path, { recursive: true, force: true });
}

export function removePartial(root: string): void {
  const directory = join(root, "backups");
  for (const name of readdirSync(directory)) {
    if (name.startsWith(".before-") && name.endsWith(".partial"))
      rmSync(join(directory, name), { recursive: true, force: true });
  }
}

/** The backup that was made before this program's upgrade began; undefined where none was begun. */
export function unfinishedBackup(root: string, version: string): string | undefined {
  let name: string;
  try {
    name = readFileSync(join(root, "backups", UNFINISHED), "utf8").trimEnd();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const isOurs = name.startsWith(`before-${version}-`) && NAME.test(name);
  return isOurs ? listBackups(root).find((path) => basename(path) === name) : undefined;
}

export function noteUnfinished(root: string, backup: string): void {
  writeFileAtomically(join(root, "backups", UNFINISHED), `${basename(backup)}\n`);
}

export function forgetUnfinished(root: string): void {
  rmSync(join(root, "backups", UNFINISHED), { force: true });
}

/** For somebody whose program is older than their data. */
export function wayBack(root: string): string {
  const newest = listBackups(root).at(-1);
  if (newest === undefined) return "Start the newer version again, or choose another directory with --data.";
  return `Start the newer version again, or go back to what was here before it: clawhold up restore ${newest} --data <new directory>`;
}

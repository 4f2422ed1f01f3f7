/**
 * Makes a data directory from a backup: everything is checked against the manifest while it is copied, beside the place
 * where it will stand, and renamed there last. Never writes into a data directory that exists: what is there now may be
 * worth more than what is brought back.
 */

import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { EdgeError, systemCode } from "../../shared/edge-error.ts";
import { DATA_VERSION } from "../data-directory.ts";
import { filesBelow } from "./databases.ts";
import { directoriesOf, syncPath } from "./make.ts";
import { decodeManifest, MANIFEST, type Manifest, type ManifestFile } from "./manifest.ts";

export interface RestoreInput {
  readonly backup: string;
  /** Must not exist, or be empty. */
  readonly dataDirectory: string;
  /** Names of the migrations that this program knows. */
  readonly migrations: readonly string[];
}

export interface Restored {
  readonly path: string;
  readonly files: number;
  /** The moment that was brought back. */
  readonly at: string;
  /** Of the program that made the backup. */
  readonly madeBy: string;
}

const CHUNK_BYTES = 1_048_576;

/** @throws {EdgeError} and leaves everything as it was. */
export function restoreBackup({ backup, dataDirectory, migrations }: RestoreInput): Restored {
  const manifest = readManifest(backup);
  refuseNewer(manifest, migrations);
  refuseUnlisted(backup, manifest);
  refuseOccupied(dataDirectory);
  mkdirSync(dirname(dataDirectory), { recursive: true, mode: 0o700 });
  const partial = join(dirname(dataDirectory), `.${basename(dataDirectory)}.${randomBytes(6).toString("hex")}.partial`);
  try {
    mkdirSync(partial, { mode: 0o700 });
    for (const file of manifest.files) copyChecked(backup, partial, file);
    for (const directory of directoriesOf(manifest.files.map(({ path }) => path))) syncPath(join(partial, directory));
    removeEmpty(dataDirectory);
    renameSync(partial, dataDirectory);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
  syncPath(dirname(dataDirectory));
  return { path: dataDirectory, files: manifest.files.length, at: manifest.at, madeBy: manifest.clawhold };
}

function readManifest(backup: string): Manifest {
  let text: string;
  try {
    text = readFileSync(join(backup, MANIFEST), "utf8");
  } catch (error) {
    if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") throw error;
    throw new EdgeError(
      "backup_absent",
      `${backup} is not a backup: it has no ${MANIFEST}. Give the directory that clawhold up backup made.`,
      { cause: error },
    );
  }
  const manifest = decodeManifest(text);
  if (manifest !== undefined) return manifest;
  throw damaged(backup, `its ${MANIFEST} is not one that this program can read`);
}

function refuseNewer({ clawhold, dataVersion, migrations }: Manifest, known: readonly string[]): void {
  const unknown = migrations.find((name) => !known.includes(name));
  if (dataVersion <= DATA_VERSION && unknown === undefined) return;
  throw new EdgeError(
    "data_newer",
    `This backup was made by a newer Clawhold (${clawhold}) than this program can run. Nothing was restored. Restore it with that version, or take an older backup.`,
  );
}

function refuseUnlisted(backup: string, { files }: Manifest): void {
  const listed = new Set([MANIFEST, ...files.map(({ path }) => path)]);
  const found = filesBelow(backup);
  const unlisted = found.find((path) => !listed.has(path));
  if (unlisted !== undefined) throw damaged(backup, `it holds ${JSON.stringify(unlisted)}, which is not listed`);
}

function refuseOccupied(dataDirectory: string): void {
  const holds = contentOf(dataDirectory);
  if (holds === undefined || holds.length === 0) return;
  throw new EdgeError(
    "restore_occupied",
    `${dataDirectory} is not empty, and a restore never replaces what is there. Stop Clawhold, move that directory away and keep it, or choose another with --data.`,
  );
}

function contentOf(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ENOTDIR") return [directory];
    throw error;
  }
}

function removeEmpty(directory: string): void {
  if (contentOf(directory) !== undefined) rmdirSync(directory);
}

/** The digest is of the very bytes that were written, not of a file that was looked at before. */
function copyChecked(backup: string, partial: string, { path, bytes, sha256 }: ManifestFile): void {
  const from = join(backup, path);
  if (!isRegular(from)) throw damaged(backup, `${path} is missing`);
  const to = join(partial, path);
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  let copied = 0;
  const source = openSync(from, "r");
  const target = openSync(to, "wx", 0o600);
  try {
    const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, bytes + 1));
    for (let read = readSync(source, buffer); read > 0; read = readSync(source, buffer)) {
      const chunk = buffer.subarray(0, read);
      hash.update(chunk);
      for (let at = 0; at < read;) at += writeSync(target, chunk, at);
      copied += read;
      if (copied > bytes) break;
    }
  } finally {
    closeSync(source);
    closeSync(target);
  }
  if (copied !== bytes || hash.digest("hex") !== sha256) throw damaged(backup, `${path} is not what was backed up`);
  syncPath(to);
}

function isRegular(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

function damaged(backup: string, why: string): EdgeError {
  return new EdgeError(
    "backup_damaged",
    `The backup ${backup} is damaged: ${why}. Nothing was restored. Take another backup.`,
  );
}

/**
 * Makes a backup of a data directory, of a running edge too: a directory of plain files with a manifest, whole or not there
 * at all. Everything in it is from one moment. While it runs, runtime and agent are held still for that moment (some
 * milliseconds), so what is kept is what a power cut would have left then, which every part of the program can start from;
 * copying one database after the other in any order could not promise that. Decides nothing about where backups are kept.
 */

import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EdgeError, systemCode } from "../../shared/edge-error.ts";
import { DATA_VERSION } from "../data-directory.ts";
import { appliedMigrations, checkDatabase, filesBelow, takeSnapshots, type Snapshot } from "./databases.ts";
import { encodeManifest, isKeptPath, KEPT_DIRECTORIES, MANIFEST, type ManifestFile } from "./manifest.ts";

/** Everything that writes in the data directory stands still from here until `release`. */
export interface Hold {
  /** True when it was ended for us, because it lasted too long: what was read since is from no one moment. */
  readonly isOver: boolean;
  release(): Promise<void>;
}

export interface BackupInput {
  readonly dataDirectory: string;
  /** Must not exist yet; the directory above it must. */
  readonly target: string;
  /** Nothing to hold where nothing runs and the caller has the lock. */
  readonly hold: () => Promise<Hold>;
  /** Of this program. */
  readonly version: string;
  readonly now: () => Date;
  /** For tests. */
  readonly smallBytes?: number;
}

export interface BackupMade {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  /** How long writers stood still. */
  readonly heldMilliseconds: number;
}

/**
 * A database up to this size is copied while everything stands still, which takes a tenth of the time of opening it, and no
 * descriptors or memory: a thousand hosts have a small one each. Larger ones are read from a snapshot afterwards.
 */
const SMALL_BYTES = 2_097_152;
/** What SQLite needs beside a database that nobody closed. */
const BESIDE = ["-wal", "-journal"] as const;
/** Somebody opens or closes a database for a moment only. */
const ATTEMPTS = 50;
const PAUSE_MILLISECONDS = 40;

export const nothingToHold = (): Promise<Hold> => Promise.resolve({ isOver: false, release: () => Promise.resolve() });

/** @throws {EdgeError} and leaves nothing behind. */
export async function makeBackup(input: BackupInput): Promise<BackupMade> {
  const { target } = input;
  if (existsSync(target)) {
    throw new EdgeError(
      "backup_exists",
      `${target} exists already and was left as it is. Choose a name that is not taken.`,
    );
  }
  const partial = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.partial`);
  makePartial(partial, target);
  try {
    const made = await fill(partial, input);
    renameSync(partial, target);
    syncPath(dirname(target));
    return { ...made, path: target };
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

function makePartial(partial: string, target: string): void {
  try {
    mkdirSync(partial, { mode: 0o700 });
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOSPC" || code === "EDQUOT" || code === "EROFS" || code === "EIO" || code === undefined) throw error;
    throw new EdgeError(
      "backup_place",
      `${target} cannot be made (${code}). The directory above it must exist and be yours to write in.`,
      { cause: error },
    );
  }
}

async function fill(partial: string, input: BackupInput): Promise<Omit<BackupMade, "path">> {
  const moment = await takeMoment(partial, input);
  try {
    for (const path of moment.small) settleDatabase(join(partial, path));
    for (const snapshot of moment.snapshots) await copyDatabase(snapshot, join(partial, snapshot.path));
  } finally {
    for (const snapshot of moment.snapshots) snapshot.close();
  }
  const paths = [...moment.plain, ...moment.small, ...moment.snapshots.map(({ path }) => path)].toSorted();
  const files: ManifestFile[] = [];
  for (const path of paths) files.push({ path, ...(await seal(join(partial, path))) });
  const manifest = encodeManifest({
    v: 1,
    clawhold: input.version,
    at: moment.at.toISOString(),
    dataVersion: readVersion(partial),
    migrations: [...appliedMigrations(partial)],
    files,
  });
  writeFileSync(join(partial, MANIFEST), manifest, { mode: 0o600, flag: "wx" });
  syncPath(join(partial, MANIFEST));
  for (const directory of directoriesOf(paths)) syncPath(join(partial, directory));
  return {
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    heldMilliseconds: moment.heldMilliseconds,
  };
}

interface Moment {
  readonly snapshots: readonly Snapshot[];
  /** Copied already, as they lay there. */
  readonly plain: readonly string[];
  /** Likewise, and to be settled. */
  readonly small: readonly string[];
  readonly at: Date;
  readonly heldMilliseconds: number;
}

async function takeMoment(partial: string, input: BackupInput): Promise<Moment> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const hold = await input.hold();
    const since = performance.now();
    let taken: Omit<Moment, "heldMilliseconds"> | undefined;
    try {
      taken = readMoment(partial, input);
    } finally {
      await hold.release();
    }
    const heldMilliseconds = performance.now() - since;
    if (taken !== undefined && !hold.isOver) return { ...taken, heldMilliseconds };
    for (const snapshot of taken?.snapshots ?? []) snapshot.close();
    if (taken !== undefined) break;
    await sleep(PAUSE_MILLISECONDS);
  }
  throw new EdgeError(
    "backup_slow",
    "The edge could not be held still long enough to read one moment of it. Nothing was backed up. Try again when the machine is less busy.",
  );
}

/** No await in here: the caller holds the writers. */
function readMoment(
  partial: string,
  { dataDirectory, now, smallBytes = SMALL_BYTES }: BackupInput,
): Omit<Moment, "heldMilliseconds"> | undefined {
  const all = KEPT_DIRECTORIES.flatMap((directory) => filesBelow(dataDirectory, directory));
  const databases = all.filter((path) => path.endsWith(".sqlite"));
  const isSmall = (path: string): boolean => bytesOf(join(dataDirectory, path)) <= smallBytes;
  const [small, large] = [databases.filter(isSmall), databases.filter((path) => !isSmall(path))];
  const snapshots = takeSnapshots(dataDirectory, large);
  if (snapshots === undefined) return undefined;
  try {
    const plain = ["version", ...all.filter(isPlain)];
    for (const path of [...plain, ...small]) copyPlain(join(dataDirectory, path), join(partial, path));
    for (const path of small) copyBeside(join(dataDirectory, path), join(partial, path));
    return { snapshots, small, plain, at: now() };
  } catch (error) {
    for (const snapshot of snapshots) snapshot.close();
    throw error;
  }
}

/** With its log, which may hold all of it. */
function bytesOf(database: string): number {
  return ["", ...BESIDE].reduce(
    (sum, end) => sum + (statSync(database + end, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function copyBeside(from: string, to: string): void {
  for (const end of BESIDE) if (existsSync(from + end)) copyPlain(from + end, to + end);
}

/** Not what SQLite keeps beside a database, what a crash left, or what is only true of a running process. */
function isPlain(path: string): boolean {
  if (/\.(?:sqlite|sqlite-wal|sqlite-shm|sqlite-journal|tmp)$/.test(path)) return false;
  return path !== "host/lock" && path !== "signer/lock" && path !== "host/status.json" && isKeptPath(path);
}

function copyPlain(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  writeFileSync(to, readFileSync(from), { mode: 0o600, flag: "wx" });
}

/** As after a power cut: opened, SQLite takes what is in the log into the database, or out of it again. */
function settleDatabase(file: string): void {
  checkDatabase(file);
  if (!BESIDE.some((end) => existsSync(file + end))) return;
  throw new EdgeError(
    "backup_damaged",
    `The log beside ${file} could not be taken into the database, so nothing was backed up. Try again; if it stays so, look at the disk (dmesg).`,
  );
}

async function copyDatabase(snapshot: Snapshot, to: string): Promise<void> {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  await snapshot.copyTo(to);
  chmodSync(to, 0o600);
  checkDatabase(to);
}

async function seal(file: string): Promise<Omit<ManifestFile, "path">> {
  syncPath(file);
  return { bytes: statSync(file).size, sha256: await sha256Of(file) };
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

export function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Every directory that holds one of the paths, and the one that holds them all. */
export function directoriesOf(paths: readonly string[]): readonly string[] {
  const found = new Set<string>(["."]);
  for (const path of paths) {
    for (let above = dirname(path); above !== "."; above = dirname(above)) found.add(above);
  }
  return [...found];
}

function readVersion(partial: string): number {
  const version = Number(readFileSync(join(partial, "version"), "utf8"));
  if (Number.isSafeInteger(version) && version >= 1 && version <= DATA_VERSION) return version;
  throw new EdgeError(
    "data_unreadable",
    "The data directory does not hold a data version that this program knows. Nothing was backed up. Use the program that runs the edge.",
  );
}

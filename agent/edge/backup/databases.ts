/**
 * The SQLite files of a data directory, read as they stood at one moment. Each is opened in a read transaction, which in
 * WAL mode shows that moment for as long as it lasts and keeps no writer waiting. Writes to none of them.
 */

import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { EdgeError, systemCode } from "../../shared/edge-error.ts";
import { readOpenFileLimit } from "../listen.ts";
import { regularFiles } from "../regular-files.ts";

/** The database, its log and its index. */
const FILES_EACH = 3;
/** What this program itself holds open. */
const RESERVED_FILES = 200;
/** In one step: a copy made in several begins again whenever somebody writes between them. */
const ALL_PAGES = 2_147_483_647;
/** SQLITE_BUSY, SQLITE_LOCKED and SQLITE_PROTOCOL: somebody is in the middle of opening or closing it. */
const IN_THE_WAY: ReadonlySet<number> = new Set([5, 6, 15]);

/** A database as it was when the snapshots were taken. */
export interface Snapshot {
  /** Below the data directory, with `/`. */
  readonly path: string;
  copyTo(file: string): Promise<void>;
  close(): void;
}

/** Regular files below `root`, as paths with `/`; none where there is no such directory. */
export function filesBelow(root: string, directory = ""): readonly string[] {
  try {
    return regularFiles(root, directory).toSorted();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** All or none. Undefined when one was in the way just now: let its writers go on, and try again. */
export function takeSnapshots(
  root: string,
  paths: readonly string[],
  openFileLimit = readOpenFileLimit(),
): readonly Snapshot[] | undefined {
  refuseTooMany(paths.length, openFileLimit);
  const taken: Snapshot[] = [];
  try {
    for (const path of paths) taken.push(takeSnapshot(root, path));
    return taken;
  } catch (error) {
    for (const snapshot of taken) snapshot.close();
    if (isInTheWay(error)) return undefined;
    throw error;
  }
}

function takeSnapshot(root: string, path: string): Snapshot {
  // Not opened read-only: where nobody else has it open, SQLite must make the index of the log that a reader needs.
  const database = new DatabaseSync(join(root, path), { timeout: 0 });
  try {
    database.exec("BEGIN");
    database.prepare("SELECT count(*) FROM sqlite_master").get(); // the moment begins with the first read
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    path,
    copyTo: async (file) => {
      await backup(database, file, { rate: ALL_PAGES });
    },
    close: () => database.close(),
  };
}

function isInTheWay(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return false;
  return IN_THE_WAY.has(error.errcode & 0xff);
}

function refuseTooMany(databases: number, limit: number | undefined): void {
  const needed = databases * FILES_EACH + RESERVED_FILES;
  if (limit === undefined || needed <= limit) return;
  throw new EdgeError(
    "few_open_files",
    `A backup of ${databases} databases needs ${needed} open files, and this program may open ${limit}. Raise the limit, then type it again: ulimit -n ${needed}`,
  );
}

/** @throws {EdgeError} when the copy is not a sound database: better now than on the day it is needed. */
export function checkDatabase(file: string): void {
  const database = new DatabaseSync(file);
  try {
    const row = database.prepare("PRAGMA quick_check(1)").get();
    if (row?.["quick_check"] === "ok") return;
  } finally {
    database.close();
  }
  throw new EdgeError(
    "backup_damaged",
    `The database behind ${file} is damaged on the disk, so nothing was backed up. Keep the backups that you have, and look at the disk (dmesg).`,
  );
}

/** Which migrations the database has, in order; empty before the first start. Reads the file itself: nothing runs yet. */
export function appliedMigrations(root: string): readonly string[] {
  const path = filesBelow(root, "d1").find((name) => /^d1\/clawhold-D1\/[0-9a-f]{64}\.sqlite$/.test(name));
  if (path === undefined) return [];
  const database = new DatabaseSync(join(root, path));
  try {
    const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'd1_migrations'").get();
    if (table === undefined) return [];
    const rows = database.prepare('SELECT name FROM "d1_migrations" ORDER BY id').all();
    return rows.map(({ name }) => String(name));
  } finally {
    database.close();
  }
}

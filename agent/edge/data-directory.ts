/**
 * The data directory of a local edge: its place, its permissions, its lock and its version.
 * Whoever can read it owns the edge's keys, so a directory that others can enter is refused, not tidied up.
 */

import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { EdgeError, systemCode } from "../shared/edge-error.ts";
import { acquireLock } from "../shared/lock.ts";
import { wayBack } from "./backup/kept.ts";

/** Raised when the layout changes in a way an older program would misread; each step gets a line in upgrade.ts. */
export const DATA_VERSION = 1;

const SUBDIRECTORIES = ["keys", "d1", "do", "run", "host", "log", "signer"] as const;
type Subdirectory = (typeof SUBDIRECTORIES)[number];

/** sun_path holds 108 bytes with its terminating zero (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;
/** In `run`: where agents of other machines dial the edge that runs. */
export const ENDPOINT_FILE = "agent-endpoint";
/** In `run`: where the edge that runs serves its dashboard, a line each; this machine's own first. */
export const DASHBOARD_FILE = "dashboard";
/** The longest name we put into the run directory. */
const LONGEST_SOCKET_NAME = "agent.sock";

export interface DataDirectory {
  readonly path: string;
  /** What was found, or this program's where the directory is new; older until `upgradeData` has run. */
  readonly version: number;
  /** Private, and short enough for unix sockets: inside `path` when that is short, else under the temporary directory. */
  readonly runDirectory: string;
  /** To be inherited by processes that write here, so that the lock outlives none of them. */
  readonly lockFd: number;
  join(directory: Subdirectory, ...names: readonly string[]): string;
  close(): void;
}

export function openDataDirectory(path: string, now: () => Date): DataDirectory {
  const root = prepareRoot(resolve(path));
  const lock = acquireLock(join(root, "lock"), now);
  try {
    const version = settleVersion(root);
    for (const name of SUBDIRECTORIES) mkdirSync(join(root, name), { recursive: true, mode: 0o700 });
    const run = prepareRunDirectory(root);
    return {
      path: root,
      version,
      runDirectory: run.path,
      lockFd: lock.fd,
      join: (directory, ...names) => join(root, directory, ...names),
      close() {
        run.remove();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function prepareRoot(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const root = realpathSync(path);
  const stat = lstatSync(root);
  const self = statSync("/proc/self"); // the directory behind the link: the link itself is root's
  if (stat.uid !== self.uid) {
    throw new EdgeError(
      "data_permissions",
      `${root} belongs to another user (uid ${stat.uid}; this program runs as uid ${self.uid}). Choose another directory with --data.`,
    );
  }
  if (!stat.isDirectory())
    throw new EdgeError("data_foreign", `${root} is not a directory. Choose another with --data.`);
  const isNew = readVersion(root) === undefined;
  if (isNew) refuseForeign(root);
  if ((stat.mode & 0o077) === 0) return root;
  if (!isNew) {
    throw new EdgeError(
      "data_permissions",
      `Other users of this machine can look into ${root}, which holds keys. If you trust what happened meanwhile, close it and start again: chmod 700 ${root}`,
    );
  }
  chmodSync(root, 0o700);
  return root;
}

/** A typing mistake must not fill somebody's home directory with ours. Remains of a first start that crashed are ours. */
function refuseForeign(root: string): void {
  const foreign = readdirSync(root).find((name) => name !== "lock" && !/^version\.[0-9a-f]+\.tmp$/.test(name));
  if (foreign === undefined) return;
  throw new EdgeError(
    "data_foreign",
    `${root} is not empty and not a Clawhold data directory (it holds ${JSON.stringify(foreign)}). Choose an empty or new directory with --data.`,
  );
}

function readVersion(root: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(join(root, "version"), "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  if (!/^[1-9][0-9]{0,5}\n$/.test(text)) {
    throw new EdgeError(
      "data_unreadable",
      `${join(root, "version")} does not hold a data version. Nothing was changed. Restore the directory from a backup, or choose another with --data.`,
    );
  }
  return Number(text);
}

function settleVersion(root: string): number {
  const found = readVersion(root);
  if (found === undefined) {
    writeFileAtomically(join(root, "version"), `${DATA_VERSION}\n`);
    return DATA_VERSION;
  }
  if (found <= DATA_VERSION) return found;
  throw new EdgeError(
    "data_newer",
    `${root} was written by a newer Clawhold (data version ${found}; this program knows ${DATA_VERSION}). Nothing was changed. ${wayBack(root)}`,
  );
}

interface RunDirectory {
  readonly path: string;
  remove(): void;
}

function prepareRunDirectory(root: string): RunDirectory {
  const inside = join(root, "run");
  removeEarlier(inside);
  if (Buffer.byteLength(join(inside, LONGEST_SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES) {
    return { path: inside, remove: () => undefined };
  }
  const path = mkdtempSync(join(tmpdir(), "clawhold-"));
  if (Buffer.byteLength(join(path, LONGEST_SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES) {
    rmSync(path, { recursive: true });
    throw new EdgeError(
      "address_unavailable",
      `Both ${root} and the temporary directory ${tmpdir()} are too long for unix sockets (107 bytes). Choose a shorter directory with --data.`,
    );
  }
  writeFileAtomically(join(inside, "place"), `${path}\n`);
  return { path, remove: () => removeEarlier(inside) };
}

/** A killed start leaves its temporary directory behind; the record of it lies where only we can write. */
function removeEarlier(inside: string): void {
  const record = join(inside, "place");
  let earlier: string;
  try {
    earlier = readFileSync(record, "utf8").trimEnd();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  // Deleting recursively on the word of a file: only what mkdtemp above can have made.
  if (/\/clawhold-[A-Za-z0-9]{6}$/.test(earlier)) rmSync(earlier, { recursive: true, force: true });
  rmSync(record);
}

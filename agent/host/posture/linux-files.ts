/**
 * Files as a scan reads them. It may run as root while others own the directories: a link is followed only when root made it, a
 * pipe in a file's place holds nothing up, and sizes are bounded while reading, because files of /proc say 0.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import type { FileFacts, FileText } from "./machine.ts";

const MAX_FILE_BYTES = 1 << 20;
const MAX_NAMES = 20_000;
const CHUNK_BYTES = 65_536;
const ROOT = 0;

/**
 * At once, where Node would send each of some two thousand calls of a scan to another thread and back, which costs more than the
 * call: these are files of /proc and /etc. A file system that hangs would hold up the scan either way, and whoever
 * started it ends it.
 */
function atOnce<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}

export function readText(path: string, maxBytes = MAX_FILE_BYTES): Promise<FileText> {
  return atOnce(() => readNow(path, maxBytes));
}

function readNow(path: string, maxBytes: number): FileText {
  const link = lookNow(path);
  // Anybody else's could lead to what he may not read himself.
  const follow = link?.isSymbolicLink() === true && link.uid === ROOT ? 0 : constants.O_NOFOLLOW;
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | follow);
  } catch (error) {
    return { kind: absenceOf(error) };
  }
  try {
    const facts = fstatSync(file);
    if (!facts.isFile()) return { kind: "not_a_file" };
    const bytes = readBounded(file, maxBytes);
    if (bytes === undefined) return { kind: "too_large" };
    return { kind: "text", text: bytes.toString("utf8"), uid: facts.uid, mode: facts.mode & 0o7777 };
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return { kind: "denied" }; // of /proc: the process is gone, or not ours
  } finally {
    closeSync(file);
  }
}

/** Undefined where nothing is, or nothing may be seen. */
function lookNow(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function absenceOf(error: unknown): "absent" | "denied" | "not_a_file" {
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") return "absent";
  if (code === "EACCES" || code === "EPERM") return "denied";
  if (code === undefined) throw error;
  return "not_a_file";
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** One at a time, so one is enough; what was read is copied out of it. */
const chunk = Buffer.alloc(CHUNK_BYTES);

function readBounded(file: number, maxBytes: number): Buffer | undefined {
  const parts: Buffer[] = [];
  let length = 0;
  for (;;) {
    const read = readSync(file, chunk, 0, CHUNK_BYTES, null);
    if (read === 0) return Buffer.concat(parts);
    length += read;
    if (length > maxBytes) return undefined;
    parts.push(Buffer.from(chunk.subarray(0, read)));
  }
}

export function look(path: string): Promise<FileFacts | undefined> {
  return atOnce(() => {
    const facts = lookNow(path);
    return facts === undefined ? undefined : factsOf(facts);
  });
}

function factsOf(facts: Stats): FileFacts {
  return {
    kind: kindOf(facts),
    uid: facts.uid,
    gid: facts.gid,
    mode: facts.mode & 0o7777,
    size: facts.size,
    modified: Math.floor(facts.mtimeMs / 1_000),
    device: facts.dev,
    inode: facts.ino,
  };
}

function kindOf(facts: Stats): FileFacts["kind"] {
  if (facts.isFile()) return "file";
  if (facts.isDirectory()) return "directory";
  if (facts.isSymbolicLink()) return "link";
  return facts.isSocket() ? "socket" : "other";
}

export function list(path: string): Promise<readonly string[] | undefined> {
  return orNothing(() => readdirSync(path).slice(0, MAX_NAMES));
}

/** Where a link leads, as it is written. */
export function linkTarget(path: string): Promise<string | undefined> {
  return orNothing(() => readlinkSync(path));
}

function orNothing<T>(work: () => T): Promise<T | undefined> {
  return atOnce(() => {
    try {
      return work();
    } catch {
      return undefined; // not there, or closed to us
    }
  });
}

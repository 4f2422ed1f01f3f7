/**
 * Files as a scan reads them. It may run as root while others own the directories: a link is followed only when root made it, a
 * pipe in a file's place holds nothing up, and sizes are bounded while reading, because files of /proc say 0.
 */
import { constants, type Stats } from "node:fs";
import { lstat, open, readdir, type FileHandle } from "node:fs/promises";
import type { FileFacts, FileText } from "./machine.ts";

const MAX_FILE_BYTES = 1 << 20;
const MAX_NAMES = 20_000;
const CHUNK_BYTES = 65_536;
const ROOT = 0;

export async function readText(path: string, maxBytes = MAX_FILE_BYTES): Promise<FileText> {
  const link = await lstat(path).catch(() => undefined);
  // Anybody else's could lead to what he may not read himself.
  const follow = link?.isSymbolicLink() === true && link.uid === ROOT ? 0 : constants.O_NOFOLLOW;
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | follow);
  } catch (error) {
    return { kind: absenceOf(error) };
  }
  try {
    const facts = await file.stat();
    if (!facts.isFile()) return { kind: "not_a_file" };
    const bytes = await readBounded(file, maxBytes);
    if (bytes === undefined) return { kind: "too_large" };
    return { kind: "text", text: bytes.toString("utf8"), uid: facts.uid, mode: facts.mode & 0o7777 };
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return { kind: "denied" }; // of /proc: the process is gone, or not ours
  } finally {
    await file.close();
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

async function readBounded(file: FileHandle, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES);
    if (bytesRead === 0) return Buffer.concat(chunks);
    length += bytesRead;
    if (length > maxBytes) return undefined;
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

export async function look(path: string): Promise<FileFacts | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined) return undefined;
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

export async function list(path: string): Promise<readonly string[] | undefined> {
  const names = await readdir(path).catch(() => undefined);
  return names?.slice(0, MAX_NAMES);
}

/**
 * Hands the reader what it may hold: the key and the token of its device, and the key of the host's own short names. Written by
 * root into a directory of another user, who may be hostile: a new file each time, given away by its descriptor and only then
 * put in its place, so that no link in that directory can turn the gift into another file's.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fchownSync, fsyncSync, lstatSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPrivateFile } from "./private-file.ts";

const GIVEN = ["gateway-reader.key.json", "gateway-reader.token.json", "tags.key"] as const;

/** By its name alone: what is in it is the reader's. */
export function hasReaderDevice(readerDirectory: string): boolean {
  return GIVEN.every((name) => lstatSync(join(readerDirectory, name), { throwIfNoEntry: false }) !== undefined);
}

/** @throws for files that are not there or damaged */
export function giveReader(directory: string, readerDirectory: string): void {
  const { uid, gid } = lstatSync(readerDirectory);
  for (const name of GIVEN) {
    const content = readPrivateFile(join(directory, name));
    if (content !== undefined) give(join(readerDirectory, name), content, { uid, gid });
  }
}

function give(path: string, content: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  const beside = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    const fd = openSync(beside, "wx", 0o600);
    try {
      writeFileSync(fd, content);
      fchownSync(fd, uid, gid);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/**
 * Paths of the machine as a transaction sees and changes them. Every change leaves the old thing or the new one, never half, and is
 * on the disk when it returns: temporary file, fsync, rename, fsync of the directory. Links are never followed.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import { count } from "../../../protocol/fields.ts";
import { systemCode } from "../../shared/edge-error.ts";

const owner = { mode: count, uid: count, gid: count } as const;

/** What is at a path. `sha256` of the content, hex. */
export const pathStateSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("absent") }),
  v.strictObject({ kind: v.literal("file"), sha256: v.string(), ...owner }),
  v.strictObject({ kind: v.literal("link"), target: v.string() }),
  v.strictObject({ kind: v.literal("directory"), ...owner }),
  v.strictObject({ kind: v.literal("other") }),
]);
export type PathState = v.InferOutput<typeof pathStateSchema>;

export interface Owned {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Ends no list of file names that a program of the system reads, and is found again after a crash. */
const UNFINISHED = ".clawhold-unfinished";
const MAX_FILE_BYTES = 4 << 20;

export class Disk {
  readonly #root: string;

  /** `root`: set before every path; for tests. */
  constructor(root = "") {
    this.#root = root;
  }

  /** Where it really is. */
  at(path: string): string {
    return `${this.#root}${path}`;
  }

  state(path: string): PathState {
    const facts = this.#look(path);
    if (facts === undefined) return { kind: "absent" };
    const { uid, gid } = facts;
    const mode = facts.mode & 0o7777;
    if (facts.isSymbolicLink()) return { kind: "link", target: readlinkSync(this.at(path)) };
    if (facts.isDirectory()) return { kind: "directory", mode, uid, gid };
    if (!facts.isFile() || facts.size > MAX_FILE_BYTES) return { kind: "other" };
    return { kind: "file", sha256: sha256(this.bytes(path)), mode, uid, gid };
  }

  #look(path: string): Stats | undefined {
    try {
      return lstatSync(this.at(path));
    } catch (error) {
      const code = systemCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw error;
    }
  }

  bytes(path: string): Buffer {
    const fd = openSync(this.at(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Undefined when there is no such file. */
  text(path: string): string | undefined {
    return this.#look(path)?.isFile() === true ? this.bytes(path).toString("utf8") : undefined;
  }

  /** Names in a directory, in the order in which programs read them; none when it is not there. */
  names(path: string): readonly string[] {
    return this.#look(path)?.isDirectory() === true ? readdirSync(this.at(path)).toSorted() : [];
  }

  putFile(path: string, bytes: string | Uint8Array, { mode, uid, gid }: Owned): void {
    const temporary = this.at(`${path}${UNFINISHED}`);
    rmSync(temporary, { force: true });
    try {
      const fd = openSync(temporary, "wx", 0o600);
      try {
        writeFileSync(fd, bytes);
        fchmodSync(fd, mode);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      if (this.#isOthers(temporary, uid, gid)) chownSync(temporary, uid, gid);
      if ((mode & 0o7000) !== 0) chmodSync(temporary, mode); // which chown takes away
      renameSync(temporary, this.at(path));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    this.#syncAbove(path);
  }

  #isOthers(path: string, uid: number, gid: number): boolean {
    const facts = lstatSync(path);
    return facts.uid !== uid || facts.gid !== gid;
  }

  putLink(path: string, target: string): void {
    const temporary = this.at(`${path}${UNFINISHED}`);
    rmSync(temporary, { force: true });
    symlinkSync(target, temporary);
    renameSync(temporary, this.at(path));
    this.#syncAbove(path);
  }

  makeDirectory(path: string, { mode, uid, gid }: Owned): void {
    mkdirSync(this.at(path), { mode });
    chmodSync(this.at(path), mode);
    if (this.#isOthers(this.at(path), uid, gid)) chownSync(this.at(path), uid, gid);
    this.#syncAbove(path);
  }

  /** Of a file or directory; in a directory of somebody else a link may lie in its place by now. */
  setMode(path: string, mode: number): void {
    const fd = openSync(this.at(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const facts = fstatSync(fd);
      if (!facts.isFile() && !facts.isDirectory()) throw new DiskError(`${path} is neither file nor directory`);
      fchmodSync(fd, mode);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** A directory only when it is empty: what is in it is not ours. */
  remove(path: string): void {
    const facts = this.#look(path);
    rmSync(this.at(`${path}${UNFINISHED}`), { force: true });
    if (facts === undefined) return;
    if (facts.isDirectory()) this.#removeEmpty(path);
    else rmSync(this.at(path));
    this.#syncAbove(path);
  }

  #removeEmpty(path: string): void {
    try {
      rmdirSync(this.at(path));
    } catch (error) {
      if (systemCode(error) !== "ENOTEMPTY") throw error;
    }
  }

  /** Makes a path what it was. `bytes`: of a file. What is so already is not touched: a full disk then needs no room. */
  restore(path: string, before: PathState, bytes: () => Uint8Array): void {
    const now = this.state(path);
    rmSync(this.at(`${path}${UNFINISHED}`), { force: true });
    if (isSame(now, before)) return;
    if (before.kind === "absent") this.remove(path);
    else if (before.kind === "link") this.putLink(path, before.target);
    else if (before.kind === "file") {
      if (now.kind === "file" && now.sha256 === before.sha256 && now.uid === before.uid && now.gid === before.gid)
        this.setMode(path, before.mode);
      else this.putFile(path, bytes(), before);
    } else if (before.kind === "directory") {
      if (now.kind === "directory") this.setMode(path, before.mode);
      else this.makeDirectory(path, before);
    }
  }

  #syncAbove(path: string): void {
    const fd = openSync(dirname(this.at(path)), "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/** What is there is not what this program would ever change. */
export class DiskError extends Error {
  override readonly name = "DiskError";
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function isSame(a: PathState, b: PathState): boolean {
  return JSON.stringify(v.parse(pathStateSchema, a)) === JSON.stringify(v.parse(pathStateSchema, b));
}

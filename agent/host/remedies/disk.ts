/**
 * Paths of the machine as a transaction sees and changes them. Every change leaves the old thing or the new one, never half, and is
 * on the disk when it returns: temporary file, fsync, rename, fsync of the directory. Links are never followed. Content is put
 * only where root alone could put something else in its way; in directories of others nothing but rights is changed.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
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
  statSync,
  statfsSync,
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
const ROOT = 0;
/** Set-user-ID and set-group-ID. */
const BORROWED = 0o6000;

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

  /** As `state`, without reading what is in it. */
  facts(
    path: string,
  ): (Owned & { readonly kind: PathState["kind"]; readonly device: number; readonly inode: number }) | undefined {
    const facts = this.#look(path);
    if (facts === undefined) return undefined;
    const kinds = [
      [facts.isSymbolicLink(), "link"],
      [facts.isDirectory(), "directory"],
      [facts.isFile(), "file"],
    ] as const;
    const kind = kinds.find(([is]) => is)?.[1] ?? "other";
    const { uid, gid, dev: device, ino: inode } = facts;
    return { kind, uid, gid, mode: facts.mode & 0o7777, device, inode };
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

  /** Undefined when there is no such file, or one larger than any that is read here: whoever owns it can make it so. */
  text(path: string): string | undefined {
    const facts = this.#look(path);
    const isRead = facts?.isFile() === true && facts.size <= MAX_FILE_BYTES;
    return isRead ? this.bytes(path).toString("utf8") : undefined;
  }

  /** Names in a directory, in the order in which programs read them; none when it is not there. */
  names(path: string): readonly string[] {
    return this.#look(path)?.isDirectory() === true ? readdirSync(this.at(path)).toSorted() : [];
  }

  putFile(path: string, bytes: string | Uint8Array, { mode, uid, gid }: Owned): void {
    this.#requireRoots(path);
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
    this.#requireRoots(path);
    const temporary = this.at(`${path}${UNFINISHED}`);
    rmSync(temporary, { force: true });
    symlinkSync(target, temporary);
    renameSync(temporary, this.at(path));
    this.#syncAbove(path);
  }

  makeDirectory(path: string, { mode, uid, gid }: Owned): void {
    this.#requireRoots(path);
    mkdirSync(this.at(path), { mode });
    chmodSync(this.at(path), mode);
    if (this.#isOthers(this.at(path), uid, gid)) chownSync(this.at(path), uid, gid);
    this.#syncAbove(path);
  }

  /** Of a file or directory. `next`: its new mode; judged and changed on the thing itself, whatever its name leads to by then. */
  changeMode(path: string, next: (now: PathState & Owned) => number): void {
    const fd = this.#openStepwise(path);
    try {
      const facts = fstatSync(fd);
      const { uid, gid } = facts;
      const mode = facts.mode & 0o7777;
      const sha = { kind: "file", sha256: "" } as const;
      if (!facts.isFile() && !facts.isDirectory()) throw new DiskError(`${path} is neither file nor directory`);
      const after = next({ ...(facts.isFile() ? sha : ({ kind: "directory" } as const)), mode, uid, gid });
      if (after === mode) return;
      fchmodSync(fd, after);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Owner and rights of a directory that is somebody else's: of exactly that one, whatever its name leads to by now. One that is
   * closed to all, as only root leaves it, is known without the number of its disk, which a restart of the machine may change.
   */
  giveDirectory(path: string, which: { readonly device: number; readonly inode: number }, to: Owned): void {
    const fd = this.#openStepwise(path);
    try {
      const facts = fstatSync(fd);
      const isThere = facts.dev === which.device || (facts.uid === ROOT && (facts.mode & 0o7777) === 0);
      if (!facts.isDirectory() || !isThere || facts.ino !== which.inode)
        throw new DiskError(`${path} is another directory than before`);
      fchmodSync(fd, 0);
      fchownSync(fd, to.uid, to.gid);
      fchmodSync(fd, to.mode);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Bytes that may still be written to where this path is, or will be. */
  freeBytes(path: string): number {
    const facts = statfsSync(this.at(path));
    return facts.bavail * facts.bsize;
  }

  /** From directory to directory, each held open, because others may move them meanwhile. A link counts only where root put it. */
  #openStepwise(path: string): number {
    const names = path.split("/").filter(Boolean);
    let fd = openSync(this.at("/"), constants.O_RDONLY | constants.O_DIRECTORY);
    for (const [index, name] of names.entries()) {
      const above = fd;
      const follow = index < names.length - 1 && isRoots(fstatSync(above)) ? 0 : constants.O_NOFOLLOW;
      try {
        fd = openSync(`/proc/self/fd/${String(above)}/${name}`, constants.O_RDONLY | constants.O_NONBLOCK | follow);
      } finally {
        closeSync(above);
      }
    }
    return fd;
  }

  /** @throws {DiskError} where somebody else could lead what is written elsewhere, or put another thing in its place */
  #requireRoots(path: string): void {
    for (let above = dirname(path); above !== "/"; above = dirname(above))
      if (!isRoots(statSync(this.at(above)))) throw new DiskError(`${above} is not root's alone`);
  }

  /** Gives rights back that were taken: to what still is its owner's, and none by which others act as him. */
  restoreMode(path: string, before: PathState): void {
    if (before.kind !== "file" && before.kind !== "directory") return;
    const mode = before.kind === "file" ? before.mode & ~BORROWED : before.mode;
    try {
      this.changeMode(path, (now) =>
        now.kind === before.kind && now.uid === before.uid && now.gid === before.gid ? mode : now.mode,
      );
    } catch (error) {
      // Gone, or something else by now: whoever owns it decided so.
      if (!(error instanceof DiskError) && systemCode(error) === undefined) throw error;
    }
  }

  /** A directory only when it is empty: what is in it is not ours. */
  remove(path: string): void {
    const facts = this.#look(path);
    rmSync(this.at(`${path}${UNFINISHED}`), { force: true });
    if (facts === undefined) return;
    this.#requireRoots(path);
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
        this.changeMode(path, () => before.mode);
      else this.putFile(path, bytes(), before);
    } else if (before.kind === "directory") {
      if (now.kind === "directory") this.changeMode(path, () => before.mode);
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

function isRoots({ uid, gid, mode }: Stats): boolean {
  const others = gid === ROOT ? 0o002 : 0o022;
  return (uid === ROOT || uid === process.geteuid?.()) && (mode & others) === 0;
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

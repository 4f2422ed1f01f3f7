/**
 * A file of lines that only grows, and survives a crash at any instant: a line counts once it is whole and synced. A
 * torn last line was never acted on, so it is dropped and reported; a failed write leaves the file as it was.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { HostError } from "../host-error.ts";

/** The line is not on disk. Whoever wanted it there must not act as if it were. */
export class AppendError extends Error {
  override readonly name = "AppendError";
  readonly code = "append_failed";
}

/** The three system calls that can fail at any time; tests put failing ones here. */
export interface AppendIo {
  write(fd: number, bytes: Uint8Array, position: number): number;
  sync(fd: number): void;
  truncate(fd: number, size: number): void;
}

const nodeIo: AppendIo = {
  write: (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
  sync: fdatasyncSync,
  truncate: ftruncateSync,
};

export interface OpenedFile {
  readonly file: AppendFile;
  readonly lines: readonly string[];
  /** Bytes of an unfinished last line that were dropped; 0 after a clean end. */
  readonly tornBytes: number;
}

export class AppendFile {
  readonly #path: string;
  readonly #io: AppendIo;
  #fd: number;
  #size: number;
  /** Durable content unknown: after a failed sync the kernel may have dropped what it could not write. */
  #isBroken = false;

  private constructor(path: string, fd: number, io: AppendIo) {
    this.#path = path;
    this.#fd = fd;
    this.#io = io;
    this.#size = fstatSync(fd).size;
  }

  static open(path: string, io: AppendIo = nodeIo): OpenedFile {
    const fd = openPrivate(path);
    const bytes = readFileSync(fd);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end < bytes.length) ftruncateSync(fd, end);
    const lines = bytes.subarray(0, end).toString("utf8").split("\n");
    lines.pop(); // what follows the last newline: nothing
    return { file: new AppendFile(path, fd, io), lines, tornBytes: bytes.length - end };
  }

  /** Durable when it returns. @throws {AppendError} when the line is not in the file. */
  append(line: string): void {
    this.#write(line);
    try {
      this.#io.sync(this.#fd);
    } catch (error) {
      this.#isBroken = true;
      throw new AppendError("the line could not be made durable", { cause: error });
    }
  }

  /** For lines whose loss costs nothing but repetition. @throws {AppendError} */
  appendLazily(line: string): void {
    this.#write(line);
  }

  /** Puts other lines in place of all lines, or changes nothing. */
  replace(lines: readonly string[]): void {
    writeFileAtomically(this.#path, lines.map((line) => `${line}\n`).join(""));
    closeSync(this.#fd);
    this.#fd = openPrivate(this.#path);
    this.#size = fstatSync(this.#fd).size;
    this.#isBroken = false;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(line: string): void {
    if (this.#isBroken) throw new AppendError("an earlier line could not be made durable");
    const bytes = new TextEncoder().encode(`${line}\n`);
    try {
      for (let written = 0; written < bytes.length;) {
        written += this.#io.write(this.#fd, bytes.subarray(written), this.#size + written);
      }
      this.#size += bytes.length;
    } catch (error) {
      this.#undo();
      throw new AppendError("the line could not be written", { cause: error });
    }
  }

  /** Half a line in the middle of the file would make the next start refuse it. */
  #undo(): void {
    try {
      this.#io.truncate(this.#fd, this.#size);
    } catch {
      this.#isBroken = true; // reported by every later append
    }
  }
}

function openPrivate(path: string): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if ((fstatSync(fd).mode & 0o077) === 0) return fd;
  closeSync(fd);
  throw new HostError(
    "state_exposed",
    `Other users of this machine can read or change ${path}. If you trust what happened meanwhile, type: chmod 600 ${path}`,
  );
}

/**
 * Where the local edge writes what it observes: one callback, and a file with a size cap behind it.
 * Nothing here may receive a secret; lines from workerd are data of unknown quality and are cut, not trusted.
 */

import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, writeSync } from "node:fs";
import { systemCode } from "../shared/edge-error.ts";

export interface EdgeEvent {
  readonly level: "info" | "warn" | "error";
  /** Stable and searchable, e.g. `workerd_restarted`. */
  readonly code: string;
  readonly detail: string;
}

export type EdgeLog = (event: EdgeEvent) => void;

/** Kept generations beside the current one (`.1` is the newest): together they bound the disk that a noisy Worker can fill. */
export const KEPT_LOGS = 4;
export const MAX_LOG_BYTES = 1_048_576;
/** A longer line is a dump, not a message. */
export const MAX_LOG_LINE_CHARACTERS = 4_096;

export interface LogFile {
  readonly write: EdgeLog;
  /** Goes on in the file that is at the path now: logrotate may have moved the one before. */
  reopen(): void;
  close(): void;
}

export function openLogFile(path: string, maxBytes: number = MAX_LOG_BYTES): LogFile {
  const file = new RotatedFile(path, maxBytes);
  const append = (event: EdgeEvent): void =>
    file.append(Buffer.from(`${new Date().toISOString()} ${formatEvent(event)}\n`));
  let lost = 0;
  return {
    write(event) {
      try {
        if (lost > 0) append({ level: "warn", code: "log_lines_lost", detail: `${lost} lines could not be written` });
        lost = 0;
        append(event);
      } catch (error) {
        // A full disk must not end what is being logged; the gap is told of once there is space.
        if (systemCode(error) === undefined) throw error;
        lost += 1;
      }
    },
    reopen: () => file.reopen(),
    close: () => file.close(),
  };
}

class RotatedFile {
  readonly #path: string;
  readonly #maxBytes: number;
  #fd: number;
  #size: number;

  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#fd = openSync(path, "a", 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  /** The whole line in one file. What a full disk cut off is taken back, or the next line would continue it. */
  append(line: Uint8Array): void {
    if (this.#isFull(line.length)) this.#rotate();
    let at = 0;
    try {
      while (at < line.length) at += writeSync(this.#fd, line, at);
    } catch (error) {
      ftruncateSync(this.#fd, fstatSync(this.#fd).size - at);
      throw error;
    }
    this.#size += line.length;
  }

  /** Our own count, as a line costs no look at the file; somebody may have emptied it meanwhile. */
  #isFull(bytes: number): boolean {
    if (this.#size + bytes <= this.#maxBytes) return false;
    this.#size = fstatSync(this.#fd).size;
    return this.#size > 0 && this.#size + bytes > this.#maxBytes;
  }

  /** The old descriptor is let go only when there is a new one. */
  reopen(): void {
    const fd = openSync(this.#path, "a", 0o600);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rotate(): void {
    for (let kept = KEPT_LOGS - 1; kept >= 1; kept -= 1)
      moveIfThere(`${this.#path}.${kept}`, `${this.#path}.${kept + 1}`);
    moveIfThere(this.#path, `${this.#path}.1`);
    this.reopen();
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}

/** Control characters become `?`: a log is read in terminals, and escape sequences move their cursors. */
export function formatEvent({ level, code, detail }: EdgeEvent): string {
  const cut = detail.length > MAX_LOG_LINE_CHARACTERS ? `${detail.slice(0, MAX_LOG_LINE_CHARACTERS)}...` : detail;
  return `${level} ${code} ${cut.replaceAll(/\p{Cc}/gu, "?")}`;
}

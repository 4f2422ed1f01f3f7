/**
 * Where the local edge writes what it observes: one callback, and a file with a size cap behind it.
 * Nothing here may receive a secret; lines from workerd are data of unknown quality and are cut, not trusted.
 */

import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { systemCode } from "../shared/edge-error.ts";

export interface EdgeEvent {
  readonly level: "info" | "warn" | "error";
  /** Stable and searchable, e.g. `workerd_restarted`. */
  readonly code: string;
  readonly detail: string;
}

export type EdgeLog = (event: EdgeEvent) => void;

/** One kept generation beside the current one: two files of this size bound the disk that a noisy Worker can fill. */
export const MAX_LOG_BYTES = 1_048_576;
/** A longer line is a dump, not a message. */
export const MAX_LOG_LINE_CHARACTERS = 4_096;

export interface LogFile {
  readonly write: EdgeLog;
  close(): void;
}

export function openLogFile(path: string, maxBytes: number = MAX_LOG_BYTES): LogFile {
  let fd = openSync(path, "a", 0o600);
  let size = fstatSync(fd).size;
  const append = (event: EdgeEvent): void => {
    const line = Buffer.from(`${new Date().toISOString()} ${formatEvent(event)}\n`);
    if (size > 0 && size + line.length > maxBytes) {
      closeSync(fd);
      renameSync(path, `${path}.1`);
      fd = openSync(path, "a", 0o600);
      size = 0;
    }
    size += writeSync(fd, line);
  };
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
    close() {
      closeSync(fd);
    },
  };
}

/** Control characters become `?`: a log is read in terminals, and escape sequences move their cursors. */
export function formatEvent({ level, code, detail }: EdgeEvent): string {
  const cut = detail.length > MAX_LOG_LINE_CHARACTERS ? `${detail.slice(0, MAX_LOG_LINE_CHARACTERS)}...` : detail;
  return `${level} ${code} ${cut.replaceAll(/\p{Cc}/gu, "?")}`;
}

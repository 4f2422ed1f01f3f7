/**
 * Makes a file that holds a secret: readable by its owner from the first moment on, and never in the place of another
 * file or behind a symbolic link. Repairs nothing: what exists already stays as it is.
 */
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from "node:fs";
import { systemCode } from "../shared/edge-error.ts";
import { CliError, usageError } from "./io.ts";

/** The file is made before `content` is asked for, so that a secret that works once is not spent on a refusal. */
export async function writeNewFile(path: string, content: () => Promise<string | Uint8Array>): Promise<void> {
  const fd = openNew(path);
  try {
    writeFileSync(fd, await content());
    fsyncSync(fd);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

function openNew(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    const code = systemCode(error);
    if (code === "EEXIST")
      throw new CliError(
        "file_exists",
        `${path} exists already and was left as it is. Delete it if nobody needs it any more, or choose another name.`,
      );
    if (code === "ENOSPC" || code === "EDQUOT" || code === "EROFS" || code === "EIO" || code === undefined) throw error;
    throw usageError(`${path} cannot be written (${code}). Choose another place.`);
  }
}

/** A disk that can be filled to the last byte: a small tmpfs, which only root may mount. */
import { spawnSync } from "node:child_process";
import { closeSync, cpSync, openSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { systemCode } from "../../../agent/shared/edge-error.ts";
import { temporaryDirectory } from "../installation.ts";

const BLOCK = new Uint8Array(4_096);

export interface SmallDisk {
  readonly path: string;
  fill(): void;
  free(): void;
  remove(): void;
}

/** `at`: an existing directory, whose files move onto the disk; a fresh one unless given. Undefined where this user may not mount. */
export function smallDisk(megabytes: number, at?: string): SmallDisk | undefined {
  const directory = at === undefined ? temporaryDirectory("disk") : { path: at, remove: () => undefined };
  const aside = temporaryDirectory("disk-aside");
  cpSync(directory.path, aside.path, { recursive: true });
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0700`, "tmpfs", directory.path]);
  if (mounted.status === 0) cpSync(aside.path, directory.path, { recursive: true });
  aside.remove();
  if (mounted.status !== 0) {
    directory.remove();
    return undefined;
  }
  const ballast = path.join(directory.path, "ballast");
  return {
    path: directory.path,
    fill: () => writeUntilFull(ballast),
    free: () => rmSync(ballast, { force: true }),
    remove() {
      spawnSync("umount", [directory.path]);
      directory.remove();
    },
  };
}

function writeUntilFull(file: string): void {
  const fd = openSync(file, "a", 0o600);
  try {
    for (;;) writeSync(fd, BLOCK);
  } catch (error) {
    if (systemCode(error) !== "ENOSPC") throw error;
  } finally {
    closeSync(fd);
  }
}

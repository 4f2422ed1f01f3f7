/**
 * The regular files below a directory. Links are neither taken nor followed, in the middle of a path either (Node's own
 * recursive reading follows those): a link could name anything on the machine.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Paths relative to `root`, with `/`; throws ENOENT when the directory is not there. */
export function regularFiles(root: string, directory = ""): readonly string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry): readonly string[] => {
    const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
    if (entry.isDirectory()) return regularFiles(root, path);
    return entry.isFile() ? [path] : [];
  });
}

/** Whether a process of that number runs Node: by its program, because its name is whatever its main thread is called. */
import { readlinkSync } from "node:fs";
import path from "node:path";

export function isNode(pid: string): boolean {
  try {
    return path.basename(readlinkSync(`/proc/${pid}/exe`)) === path.basename(process.execPath);
  } catch {
    return false; // gone
  }
}

/**
 * Where a state directory lies, and who could put another in its place: whoever can change a directory on the way to it. What root reads
 * by such a path, or systemd mounts on it, could be led elsewhere.
 */
import { realpathSync } from "node:fs";
import type { Disk } from "../disk.ts";
import type { Account } from "../survey-gateway.ts";

/**
 * The topmost directory above `path` that others than root can change; undefined where there is none. Links on the way to it are
 * root's, because he alone can put one there.
 */
export function changeableAbove(disk: Disk, path: string): string | undefined {
  let at = "";
  for (const name of path.split("/").filter(Boolean).slice(0, -1)) {
    at = `${at}/${name}`;
    const isLink = disk.facts(at)?.kind === "link";
    if (isLink) at = realpathSync(disk.at(at)).slice(disk.at("").length);
    const found = isLink ? changeableAbove(disk, `${at}/.`) : undefined;
    if (found !== undefined || isChangeable(disk, at)) return found ?? at;
  }
  return undefined;
}

function isChangeable(disk: Disk, path: string): boolean {
  const facts = disk.facts(path);
  const others = facts?.gid === 0 ? 0o002 : 0o022;
  return facts === undefined || facts.uid !== 0 || (facts.mode & others) !== 0;
}

/** Closed to all, it would shut somebody's home, or the machine. */
export function holdsMore(path: string, accounts: readonly Account[]): boolean {
  return path.split("/").length < 3 || accounts.some(({ home }) => `${home}/`.startsWith(`${path}/`));
}

/** What must be out of the service's sight, so that the former path is made anew for it; other homes are anyway. */
export function veilOver(disk: Disk, path: string): string | undefined {
  return /^\/(?:home|root)\//.test(path) ? undefined : changeableAbove(disk, path);
}

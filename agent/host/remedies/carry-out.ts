/** Does what a stage says: files first, then the commands of programs that own theirs, then what must follow. */
import { missingAbove } from "./difference.ts";
import { settle, type Direction } from "./effects.ts";
import { must, outputOf, type Hands } from "./hands.ts";
import { INSTALL } from "./planning.ts";
import type { Desired, Stage } from "./remedy.ts";

const ROOT = { uid: 0, gid: 0 } as const;
const DIRECTORY_MODE = 0o755;
const DEED_MILLISECONDS = 30_000;
/** Somebody else's update may hold the package manager for so long before we give up. */
const DPKG_LOCK_SECONDS = 60;
const INSTALL_MILLISECONDS = 240_000;

/** @throws {CommandError} and what the disk says */
export async function carryOut(hands: Hands, { desired, deeds, effects }: Stage): Promise<void> {
  for (const one of desired) put(hands, one);
  for (const { argv } of deeds) await must(hands, argv, { milliseconds: DEED_MILLISECONDS });
  const direction: Direction = "forward";
  for (const { name, of } of effects) await settle(hands, name, { of, before: "active", direction });
}

function put({ disk }: Hands, desired: Desired): void {
  const { path } = desired;
  if (desired.kind === "file" || desired.kind === "link")
    for (const missing of missingAbove(path, disk)) disk.makeDirectory(missing, { mode: DIRECTORY_MODE, ...ROOT });
  if (desired.kind === "file") disk.putFile(path, desired.text, { mode: desired.mode, ...ROOT });
  else if (desired.kind === "link") disk.putLink(path, desired.target);
  else if (desired.kind === "absent") disk.remove(path);
  else {
    const now = disk.state(path);
    if (now.kind === "file" || now.kind === "directory") disk.changeMode(path, ({ mode }) => mode & desired.mode);
  }
}

/** @throws {CommandError} when the package manager is locked, has no network, or does not know the package */
export async function install(hands: Hands, packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return;
  const lock = ["-o", `DPkg::Lock::Timeout=${String(DPKG_LOCK_SECONDS)}`];
  // A machine whose lists are older than its mirror would ask for files that are gone.
  await outputOf(hands, ["apt-get", ...lock, "update", "-q"]);
  const confs = ["-o", "Dpkg::Options::=--force-confold"];
  await must(hands, [...INSTALL, ...lock, ...confs, ...packages], { milliseconds: INSTALL_MILLISECONDS });
}

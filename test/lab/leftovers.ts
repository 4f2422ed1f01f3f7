/**
 * What a lab makes outside of itself (namespaces, mounts, directories) carries the number of the process that made it. A
 * run that was killed cleans nothing; the next one does it for every process that is no more.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isNode } from "../net/node-process.ts";

const IP = "/usr/sbin/ip";
const NAMESPACES = "/run/netns";
/** Where systemd-nspawn keeps a directory for each machine, which it cannot remove itself on a disk. */
const PROPAGATION = "/run/systemd/nspawn/propagate";
/** The machine's cgroup2 tree: hybrid, or alone as on machines of today. */
const GROUPS = existsSync("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
/** A killed machine takes milliseconds to die. */
const DYING_MILLISECONDS = 5_000;
const PREFIX = "clawlab";

const repository = path.resolve(import.meta.dirname, "../..");
export const labDirectory = path.join(repository, ".cache", "lab");
const machinesDirectory = path.join(labDirectory, "machines");

/** `clawlab-<pid>-<name>`: of a namespace, a machine and its directory. */
export function labName(name: string): string {
  return `${PREFIX}-${String(process.pid)}-${name}`;
}

export function machineDirectory(name: string): string {
  const directory = path.join(machinesDirectory, labName(name));
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  return directory;
}

/** Everything that processes left which are no more. */
export function sweep(): void {
  // Whatever still runs of a server holds everything else of it.
  for (const name of [...namesIn(GROUPS), ...namesIn(PROPAGATION)]) if (isStale(name)) removeTraces(name);
  for (const name of namesIn(NAMESPACES)) if (isStale(name)) removeNamespace(name);
  for (const name of namesIn(machinesDirectory)) if (isStale(name)) removeMachine(path.join(machinesDirectory, name));
}

export function removeNamespace(name: string): void {
  if (existsSync(path.join(NAMESPACES, name))) spawnSync(IP, ["netns", "delete", name]);
}

/** The directory of a control group of its own, for all processes of a machine. */
export function makeControlGroup(name: string): string {
  const directory = path.join(GROUPS, name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** What nspawn leaves when its machine is off. */
export function removeTraces(name: string): void {
  removeGroups(path.join(GROUPS, name));
  const directory = path.join(PROPAGATION, name);
  spawnSync("/usr/bin/umount", ["-q", directory]);
  rmSync(directory, { recursive: true, force: true });
}

/** Another run may sweep the same at the same time. */
function removeGroups(directory: string): void {
  try {
    removeGroupsThere(directory);
  } catch (error) {
    if (existsSync(directory)) throw error;
  }
}

/** From below: a group with groups in it stays. Its files are the kernel's and go with it. */
function removeGroupsThere(directory: string): void {
  if (!existsSync(directory)) return;
  writeFileSync(path.join(directory, "cgroup.kill"), "1");
  const until = performance.now() + DYING_MILLISECONDS;
  while (readFileSync(path.join(directory, "cgroup.events"), "utf8").includes("populated 1")) {
    if (performance.now() > until) throw new Error(`${directory}: killed, and still there`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroups(path.join(directory, entry.name));
  }
  rmdirSync(directory);
}

/** Unmounts what is mounted below, then removes it. */
export function removeMachine(directory: string): void {
  const below = mountPoints().filter((place) => place.startsWith(`${directory}/`));
  for (const place of below.toReversed()) spawnSync("/usr/bin/umount", [place]);
  const held = mountPoints().find((place) => place.startsWith(`${directory}/`));
  if (held !== undefined) throw new Error(`${held} is still mounted: something still uses it`);
  rmSync(directory, { recursive: true, force: true });
}

/** In the order in which they were mounted. */
export function mountPoints(): readonly string[] {
  return readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
}

function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

function isStale(name: string): boolean {
  const [prefix, pid = ""] = name.split("-");
  return prefix === PREFIX && !isNode(pid);
}

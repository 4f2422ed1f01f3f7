/**
 * The exclusive lock on a data directory. Two workerd processes on one directory would both serve and interleave
 * their writes, so this must hold against racing starters and against a runtime left over from a killed parent.
 *
 * The lock is the kernel's (flock), not a file holding a pid: pid files need a takeover that two racing starters can
 * both win, and lie across containers. Node has no flock call, but the lock belongs to the open file description, and
 * flock(1) run on our inherited descriptor locks it for us. The same descriptor is handed to workerd: the lock ends
 * when the last of both is gone. The file's content only tells a person who holds it.
 */

import { spawnSync } from "node:child_process";
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { EdgeError, systemCode } from "./edge-error.ts";

export interface Lock {
  /** To be inherited by every process that writes in the directory. */
  readonly fd: number;
  release(): void;
}

/** What a holder writes into its lock file. `started` is the kernel's start tick of that pid, against reused pids. */
export interface Holder {
  readonly pid: number;
  readonly started: string;
  /** ISO 8601. */
  readonly since: string;
}

/** flock(1) leaves with 1 when another open file description holds the lock. */
const FLOCK_HELD = 1;
/** A killed parent takes its workerd along, but not in the same instant. */
const LEFTOVER_ATTEMPTS = 15;
const LEFTOVER_ATTEMPT_SECONDS = 0.2;

export function acquireLock(path: string, now: () => Date): Lock {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    if (!tryLock(fd, 0)) waitForLeftover(fd, path);
    writeHolder(fd, now());
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, release: () => release(fd) };
}

function tryLock(fd: number, waitSeconds: number): boolean {
  const argv = waitSeconds === 0 ? ["-x", "-n", "3"] : ["-x", "-w", String(waitSeconds), "3"];
  const result = spawnSync("flock", argv, { stdio: ["ignore", "ignore", "pipe", fd] });
  if (result.status === 0) return true;
  if (result.status === FLOCK_HELD) return false;
  const why = result.error === undefined ? result.stderr.toString().trim() : (systemCode(result.error) ?? "error");
  throw new EdgeError(
    "lock_tool_missing",
    `The data directory could not be locked: the program flock did not run (${why}). It belongs to the package util-linux: apt install util-linux`,
    { cause: result.error },
  );
}

/** A live holder is named at once; a lock without one is a runtime about to die, or a holder about to write its name. */
function waitForLeftover(fd: number, path: string): void {
  for (let attempt = 0; attempt < LEFTOVER_ATTEMPTS; attempt += 1) {
    const holder = readHolder(path);
    if (holder !== undefined && isRunning(holder)) throw lockedBy(path, holder);
    if (tryLock(fd, LEFTOVER_ATTEMPT_SECONDS)) return;
  }
  throw lockedBy(path, readHolder(path));
}

function lockedBy(path: string, holder: Holder | undefined): EdgeError {
  const directory = path.slice(0, path.lastIndexOf("/"));
  if (holder === undefined || !isRunning(holder)) {
    return new EdgeError(
      "locked",
      `${directory} is in use by a process that does not say who it is, perhaps a runtime left over from a killed start. See who holds it with: fuser -v ${path}`,
    );
  }
  const since = localTime(new Date(holder.since));
  const supervisor = supervisorOf(directory, holder);
  if (supervisor !== undefined) {
    return new EdgeError(
      "locked",
      `${directory} is in use by process ${holder.pid}, since ${since}. clawhold up started it and would start it again. Stop clawhold up: press Ctrl-C in its terminal, or type: kill ${supervisor.pid}`,
      { cause: holder },
    );
  }
  return new EdgeError(
    "locked",
    `${directory} is in use by process ${holder.pid}, since ${since}. Stop it with: kill ${holder.pid}, or choose another directory with --data.`,
    { cause: holder },
  );
}

/** Who holds the lock that this error tells of, for programs that read: `since` is ISO 8601. */
export function holderIn(error: EdgeError): Pick<Holder, "pid" | "since"> | undefined {
  if (error.code !== "locked") return undefined;
  const holder = holderFrom(error.cause);
  return holder === undefined ? undefined : { pid: holder.pid, since: holder.since };
}

/** The agent's directory lies in the data directory of the `up` that runs it: killed alone, it would come back. */
function supervisorOf(directory: string, holder: Holder): Holder | undefined {
  const parent = readStat(holder.pid)?.parent;
  try {
    const above = readHolder(join(dirname(directory), "lock"));
    return above !== undefined && above.pid === parent && isRunning(above) ? above : undefined;
  } catch (error) {
    // What lies above need not be ours: a directory or another user's file of that name supervises nobody.
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/** As the clock on the wall of this machine shows it; a damaged time is not invented. */
function localTime(time: Date): string {
  if (Number.isNaN(time.getTime())) return "an unknown time";
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

function writeHolder(fd: number, now: Date): void {
  const stat = readStat("self");
  const holder: Holder = { pid: stat?.pid ?? 0, started: stat?.started ?? "", since: now.toISOString() };
  ftruncateSync(fd, 0);
  writeSync(fd, `${JSON.stringify(holder)}\n`, 0);
  fsyncSync(fd);
}

/** Content first: a reader between the two steps must not see the name of somebody who has let go. */
function release(fd: number): void {
  ftruncateSync(fd, 0);
  closeSync(fd);
}

function readHolder(path: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    // Empty or half written: the holder is between taking the lock and saying so.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return holderFrom(value);
}

function holderFrom(value: unknown): Holder | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!("pid" in value) || !("started" in value) || !("since" in value)) return undefined;
  const { pid, started, since } = value;
  if (typeof pid !== "number" || typeof started !== "string" || typeof since !== "string") return undefined;
  return { pid, started, since };
}

function isRunning(holder: Holder): boolean {
  return readStat(holder.pid)?.started === holder.started;
}

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly started: string;
}

/**
 * Fields 3, 4 and 22 of /proc/<pid>/stat, counted after the command name, which may itself hold spaces and parentheses.
 * A zombie has ended; only its parent has not looked yet.
 */
function readStat(pid: number | "self"): ProcessFacts | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ESRCH") return undefined;
    throw error;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const parent = fields[1];
  const started = fields[19];
  if (parent === undefined || started === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  return { pid: Number.parseInt(text, 10), parent: Number.parseInt(parent, 10), started };
}

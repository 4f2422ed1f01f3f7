/**
 * Which processes listen on a TCP port of this machine, as the kernel says: the socket's inode in /proc/net/tcp, found again
 * among the open files of the processes that this user may look into. Another user's process stays unknown.
 */
import { readFile, readdir, readlink } from "node:fs/promises";
import { LISTEN_TABLES } from "./listening.ts";

const LISTEN = "0A";
const ROOT = 0;
const MAX_TABLE_BYTES = 8_388_608;

/** Every process that holds it: a listening socket outlives whoever opened it in each child that inherited it. */
export async function listenerPids(port: number, tables?: readonly string[]): Promise<readonly number[]> {
  const inodes = await listeningInodes(port, tables);
  const found: number[] = [];
  if (inodes.size === 0) return found;
  for (const name of await readdir("/proc")) {
    if (/^[1-9]\d*$/.test(name) && (await holdsAny(name, inodes))) found.push(Number(name));
  }
  return found;
}

/**
 * The first of them, or the first of this user's; a file of root's says nothing about who runs the gateway. Undefined:
 * nobody, or a process that we may not look into.
 */
export async function listenerPid(port: number, uid?: number, tables?: readonly string[]): Promise<number | undefined> {
  for (const pid of await listenerPids(port, tables))
    if (uid === undefined || uid === ROOT || (await uidOf(pid)) === uid) return pid;
  return undefined;
}

/** The user who started it. Who owns its folder in /proc says less: a process may hide itself behind root there. */
export async function uidOf(pid: number): Promise<number | undefined> {
  // Ended meanwhile: then it is nobody's.
  const text = await readFile(`/proc/${String(pid)}/status`, "latin1").catch(() => "");
  const uid = /^Uid:\t(\d+)\t/m.exec(text)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

async function listeningInodes(port: number, tables: readonly string[] = LISTEN_TABLES): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const path of tables) {
    const text = await readFile(path, "latin1").catch(() => ""); // a kernel without IPv6 has one table
    if (text.length > MAX_TABLE_BYTES) continue;
    for (const line of text.split("\n").slice(1)) {
      const columns = line.trim().split(/\s+/);
      const portHex = columns[1]?.split(":")[1] ?? "";
      const inode = columns[9];
      if (columns[3] === LISTEN && Number.parseInt(portHex, 16) === port && inode !== undefined) found.add(inode);
    }
  }
  return found;
}

async function holdsAny(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  // Ended meanwhile, or another user's: then it is not one that we can name.
  const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const file of files) {
    const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

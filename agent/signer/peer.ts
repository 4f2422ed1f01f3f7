/**
 * Whose program is at the other end of a connection. Loopback has no users: everybody on the machine can dial it, ask the
 * edge with this machine's service token, and say which history was seen. The kernel knows who made each socket.
 */
import { readFileSync } from "node:fs";

export interface Ends {
  /** Of the program that dialled us, as an address and port. */
  readonly peer: { readonly address: string; readonly port: number };
  /** Of our own end. */
  readonly own: { readonly address: string; readonly port: number };
}

/** Root is everybody; some machines relay a browser's connections as root. */
const ROOT = 0;

/** True for a program of this user or of root. What the kernel does not list is a stranger's, or is gone. */
export function isOwnProgram(ends: Ends, uid: number): boolean {
  const found = findUid(ends, readFileSync("/proc/net/tcp", "utf8")) ?? findUid(ends, readTcp6());
  return found === uid || found === ROOT;
}

/** Absent where the kernel has no IPv6 at all. */
function readTcp6(): string {
  try {
    return readFileSync("/proc/net/tcp6", "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

/** `table`: text of /proc/net/tcp or tcp6 (proc(5)): local and remote address, ..., uid, timeout, inode. */
export function findUid({ peer, own }: Ends, table: string): number | undefined {
  const local = new Set(spellings(peer));
  const remote = new Set(spellings(own));
  for (const line of table.split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [, from = "", to = ""] = fields;
    if (!local.has(from) || !remote.has(to)) continue;
    // A socket that its program has closed belongs to nobody any more, and is listed as root's without a file.
    return fields[9] === "0" ? undefined : Number(fields[7]);
  }
  return undefined;
}

/** Each 32-bit word of the address as this machine stores it (little-endian on all that we run on), then the port. */
function spellings({ address, port }: { readonly address: string; readonly port: number }): readonly string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  if (address === "::1") return [`${"0".repeat(24)}01000000${end}`];
  const word = address
    .replace(/^::ffff:/, "")
    .split(".")
    .toReversed()
    .map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, "0"))
    .join("");
  // A program may reach an IPv4 address through a socket of both families.
  return [`${word}${end}`, `${"0".repeat(16)}FFFF0000${word}${end}`];
}

/**
 * Who listens on a TCP port of this machine, as the kernel says in /proc/net/tcp and tcp6: the addresses and the
 * operating system user. It asks no gateway and runs no program. Elsewhere than on Linux the answer is "unknown".
 */
import { readFile } from "node:fs/promises";

export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly loopback: boolean;
  /** The OS user who opened the socket. */
  readonly uid: number;
}

export const LISTEN_TABLES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;
/** State 0A is LISTEN in the kernel's table. */
const LISTEN = "0A";
/** One row is 150 bytes: room for 50,000 sockets. */
const MAX_TABLE_BYTES = 8_388_608;

/** A listening socket, and the kernel's number of it, by which the process that holds it is found. */
export interface ListeningSocket extends Listener {
  readonly inode: string;
}

/** The listeners of this port; undefined when the kernel's tables cannot be read. */
export async function listenersOf(
  port: number,
  tables: readonly string[] = LISTEN_TABLES,
): Promise<readonly Listener[] | undefined> {
  return (await readTables(tables))?.flatMap((text) => parseTable(text, port));
}

/** Every listening socket of this machine; undefined when the kernel's tables cannot be read. */
export async function allListeners(
  tables: readonly string[] = LISTEN_TABLES,
): Promise<readonly ListeningSocket[] | undefined> {
  return (await readTables(tables))?.flatMap(parseSockets);
}

async function readTables(tables: readonly string[]): Promise<readonly string[] | undefined> {
  const texts = await Promise.all(tables.map((path) => readFile(path, "latin1").catch(() => undefined)));
  const read = texts.filter((text) => text !== undefined);
  return read.length === 0 ? undefined : read.filter((text) => text.length <= MAX_TABLE_BYTES);
}

export function parseTable(text: string, port: number): readonly Listener[] {
  return parseSockets(text)
    .filter((socket) => socket.port === port)
    .map(({ address, loopback, uid }) => ({ address, port, loopback, uid }));
}

/** Rows that do not look like the kernel's are skipped: the table may be cut while it changes. */
export function parseSockets(text: string): readonly ListeningSocket[] {
  const found: ListeningSocket[] = [];
  for (const line of text.split("\n").slice(1)) {
    const columns = line.trim().split(/\s+/);
    const [address, portHex] = (columns[1] ?? "").split(":");
    if (columns[3] !== LISTEN || address === undefined || portHex === undefined) continue;
    const port = Number.parseInt(portHex, 16);
    const bytes = addressBytes(address);
    const uid = Number(columns[7]);
    if (bytes === undefined || !Number.isSafeInteger(uid) || !Number.isSafeInteger(port)) continue;
    found.push({ address: printAddress(bytes), port, loopback: isLoopback(bytes), uid, inode: columns[9] ?? "" });
  }
  return found;
}

/** The kernel prints each 32-bit word in host order: the bytes of every word are reversed on the machines we run on. */
function addressBytes(hex: string): readonly number[] | undefined {
  if (!/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/.test(hex)) return undefined;
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let at = 6; at >= 0; at -= 2) bytes.push(Number.parseInt(hex.slice(word + at, word + at + 2), 16));
  }
  return bytes;
}

function isMapped(bytes: readonly number[]): boolean {
  return (
    bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  );
}

function isLoopback(bytes: readonly number[]): boolean {
  if (bytes.length === 4) return bytes[0] === 127;
  if (isMapped(bytes)) return bytes[12] === 127;
  return bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1;
}

function printAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  if (isMapped(bytes)) return `::ffff:${bytes.slice(12).join(".")}`;
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bytes[2 * at] ?? 0) * 256 + (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  const text = groups.join(":");
  // The two that matter are written short; any other stays in full, which is as correct.
  if (text === "0:0:0:0:0:0:0:0") return "::";
  return text === "0:0:0:0:0:0:0:1" ? "::1" : text;
}

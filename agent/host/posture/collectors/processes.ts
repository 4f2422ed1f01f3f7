/** Processes and their listening sockets, read from /proc. Another user's can be counted, not looked into. */
import type { Machine } from "../machine.ts";
import { readTable } from "./asked-once.ts";

export interface Listen {
  readonly address: string;
  readonly port: number;
}

export interface NamedProcess {
  readonly pid: number;
  /** The kernel's short name: at most 15 characters, and the process may change it. */
  readonly name: string;
}

const AT_ONCE = 64;
const LISTEN = "0A";

export async function processNames(machine: Machine): Promise<readonly NamedProcess[]> {
  const pids = ((await machine.list("/proc")) ?? []).filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  const found: NamedProcess[] = [];
  for (let from = 0; from < pids.length; from += AT_ONCE) {
    const part = pids.slice(from, from + AT_ONCE).map(async (pid) => {
      const file = await machine.read(`/proc/${String(pid)}/comm`);
      return file.kind === "text" ? [{ pid, name: file.text.trim() }] : [];
    });
    found.push(...(await Promise.all(part)).flat());
  }
  return found;
}

/** The TCP sockets that this process listens on, in its own network. Empty also where we may not look. */
export async function socketsOf(machine: Machine, pid: number): Promise<readonly Listen[]> {
  const directory = `/proc/${String(pid)}/fd`;
  const names = (await machine.list(directory)) ?? [];
  const targets = await Promise.all(names.map((name) => machine.linkTarget(`${directory}/${name}`)));
  const inodes = new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target ?? "")?.[1] ?? []));
  if (inodes.size === 0) return [];
  const [theirs, ours] = await Promise.all([pid, "self"].map((one) => machine.linkTarget(`/proc/${one}/ns/net`)));
  // The same tables as everybody's, which others in this scan read too.
  const tablesAt = theirs !== undefined && theirs === ours ? "/proc/net" : `/proc/${String(pid)}/net`;
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readTable(machine, `${tablesAt}/${name}`)));
  return tables.flatMap((table) => (table.kind === "text" ? listening(table.text, inodes) : []));
}

export function listening(table: string, inodes: ReadonlySet<string>): readonly Listen[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const columns = line.trim().split(/\s+/);
      const [address = "", port = ""] = (columns[1] ?? "").split(":");
      if (columns[3] !== LISTEN || !inodes.has(columns[9] ?? "")) return [];
      return [{ address: readableAddress(address), port: Number.parseInt(port, 16) }];
    });
}

/** The kernel writes each 32 bits of an address in the machine's byte order. */
export function readableAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed());
  if (bytes.length === 4) return bytes.map((byte) => String(Number.parseInt(byte, 16))).join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number.parseInt(`${bytes[index * 2] ?? "0"}${bytes[index * 2 + 1] ?? "0"}`, 16).toString(16),
  );
  const text = groups.join(":");
  return text === "0:0:0:0:0:0:0:0" ? "::" : text === "0:0:0:0:0:0:0:1" ? "::1" : text;
}

export interface ProcessStatus {
  readonly uid: number;
  readonly gid: number;
  /** Numbers of its supplementary groups. */
  readonly groups: readonly number[];
  readonly parent: number;
  readonly noNewPrivileges: boolean;
  /** 2: a filter is on. */
  readonly seccomp: number;
  /** Hexadecimal masks: what it may do now, and what it or its children could still gain. */
  readonly effective: string;
  readonly bounding: string;
  readonly raw: string;
}

/** Undefined: it ended meanwhile, or the kernel hides it. */
export async function statusOf(machine: Machine, pid: number): Promise<ProcessStatus | undefined> {
  const file = await machine.read(`/proc/${String(pid)}/status`);
  return file.kind === "text" ? parseStatus(file.text) : undefined;
}

export function parseStatus(text: string): ProcessStatus | undefined {
  const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
  const first = (name: string): number => Number.parseInt(field(name).split(/\s+/)[0] ?? "", 10);
  const [uid, gid] = [first("Uid"), first("Gid")];
  if (!Number.isSafeInteger(uid) || !Number.isSafeInteger(gid)) return undefined;
  return {
    uid,
    gid,
    groups: field("Groups").split(/\s+/).filter(Boolean).map(Number),
    parent: first("PPid"),
    noNewPrivileges: field("NoNewPrivs") === "1",
    seccomp: first("Seccomp"),
    effective: field("CapEff"),
    bounding: field("CapBnd"),
    raw: text,
  };
}

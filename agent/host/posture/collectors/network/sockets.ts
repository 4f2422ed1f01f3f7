/**
 * Who listens on which port, as the kernel says: in this network, and where root looks, in the networks of containers beside it.
 * One walk over the processes, which ends once every socket has its holder.
 */
import type { Machine } from "../../machine.ts";
import { readTable } from "../asked-once.ts";
import { readableAddress } from "../processes.ts";

export interface Listener {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  readonly uid: number;
  /** Undefined: the kernel itself (WireGuard), or a process that we may not look into. */
  readonly pid: number | undefined;
  readonly program: string | undefined;
  /** Of the socket: whether it is the one of before. */
  readonly inode: string;
  /** In a container's or another network of its own: reached from outside only by forwarding. */
  readonly isElsewhere: boolean;
}

interface Row {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  readonly uid: number;
  readonly inode: string;
}

const AT_ONCE = 32;
const TCP_LISTEN = "0A";
const UDP_OPEN = "07";
const NOBODY = "00000000";

/** Undefined: the tables are closed to us. */
export async function readListeners(
  machine: Machine,
  before: readonly Listener[] = [],
): Promise<{ readonly listeners: readonly Listener[]; readonly raw: string } | undefined> {
  const [here, lent] = await Promise.all([tables(machine, "/proc/net"), lentPorts(machine)]);
  if (here === undefined) return undefined;
  const rows = here.rows.map((row) => ({ ...row, isElsewhere: false }));
  const found = await walk(machine, rows, before);
  const listeners = found.filter((one) => !isClient(one, lent));
  return { listeners, raw: here.raw };
}

async function tables(
  machine: Machine,
  directory: string,
): Promise<{ readonly rows: readonly Row[]; readonly raw: string } | undefined> {
  const names = ["tcp", "tcp6", "udp", "udp6"] as const;
  const files = await Promise.all(names.map((name) => readTable(machine, `${directory}/${name}`)));
  if (files[0]?.kind !== "text") return undefined;
  const rows = names.flatMap((name, index) => {
    const file = files[index];
    return file?.kind === "text" ? rowsOf(file.text, name.startsWith("tcp") ? "tcp" : "udp") : [];
  });
  return { rows, raw: files.map((file) => (file.kind === "text" ? file.text : "")).join("") };
}

export function rowsOf(table: string, protocol: "tcp" | "udp"): readonly Row[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", remote = "", state, , , , uid, , inode] = line.trim().split(/\s+/);
      const isOpen = protocol === "tcp" ? state === TCP_LISTEN : state === UDP_OPEN && remote.startsWith(NOBODY);
      const [address = "", port = ""] = local.split(":");
      if (!isOpen || inode === undefined) return [];
      return [
        { protocol, address: readableAddress(address), port: Number.parseInt(port, 16), uid: Number(uid), inode },
      ];
    });
}

type Held = Row & {
  readonly isElsewhere: boolean;
  readonly pid: number | undefined;
  readonly program: string | undefined;
};

async function walk(
  machine: Machine,
  rows: readonly (Row & { readonly isElsewhere: boolean })[],
  before: readonly Listener[],
): Promise<Held[]> {
  const all = [...rows];
  const waiting = new Map<string, number[]>();
  const add = (index: number, inode: string): void => void waiting.set(inode, [...(waiting.get(inode) ?? []), index]);
  const holders = new Map<number, number>();
  const still = await stillHeld(machine, before);
  for (const [index, { inode }] of all.entries()) {
    const holder = still.get(inode);
    if (holder === undefined) add(index, inode);
    else holders.set(index, holder);
  }
  const networks = new Set<string | undefined>([await machine.linkTarget("/proc/self/ns/net")]);
  const pids = ((await machine.list("/proc")) ?? []).filter((name) => /^[1-9]\d*$/.test(name));
  for (let from = 0; from < pids.length; from += AT_ONCE) {
    const part = pids.slice(from, from + AT_ONCE);
    for (const row of machine.isRoot ? await elsewhere(machine, part, networks) : []) {
      add(all.length, row.inode);
      all.push({ ...row, isElsewhere: true });
    }
    if (waiting.size === 0) continue;
    const held = await Promise.all(part.map((pid) => socketsOf(machine, pid)));
    for (const [index, inodes] of held.entries())
      for (const inode of inodes) {
        for (const row of waiting.get(inode) ?? []) holders.set(row, Number(part[index]));
        waiting.delete(inode);
      }
  }
  const names = await namesOf(machine, new Set(holders.values()));
  return all.map((row, index) => {
    const pid = holders.get(index);
    return { ...row, pid, program: pid === undefined ? undefined : names.get(pid) };
  });
}

/** A socket keeps its holder as long as that process is there, by its number and its name: nobody needs to look for it again. */
async function stillHeld(machine: Machine, before: readonly Listener[]): Promise<ReadonlyMap<string, number>> {
  const held = before.flatMap(({ inode, pid, program, isElsewhere }) =>
    pid === undefined || isElsewhere ? [] : [{ inode, pid, program }],
  );
  const names = await namesOf(machine, new Set(held.map(({ pid }) => pid)));
  return new Map(held.filter(({ pid, program }) => names.get(pid) === program).map(({ inode, pid }) => [inode, pid]));
}

/** Rows of networks that no process before these was in. */
async function elsewhere(
  machine: Machine,
  pids: readonly string[],
  networks: Set<string | undefined>,
): Promise<readonly Row[]> {
  const links = await Promise.all(pids.map((pid) => machine.linkTarget(`/proc/${pid}/ns/net`)));
  const found: Row[] = [];
  for (const [index, link] of links.entries()) {
    if (link === undefined || networks.has(link)) continue;
    networks.add(link);
    found.push(...((await tables(machine, `/proc/${pids[index] ?? ""}/net`))?.rows ?? []));
  }
  return found;
}

async function socketsOf(machine: Machine, pid: string): Promise<readonly string[]> {
  const files = (await machine.list(`/proc/${pid}/fd`)) ?? [];
  const targets = await Promise.all(files.map((file) => machine.linkTarget(`/proc/${pid}/fd/${file}`)));
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target ?? "")?.[1] ?? []);
}

async function namesOf(machine: Machine, pids: ReadonlySet<number>): Promise<ReadonlyMap<number, string>> {
  const names = await Promise.all(
    [...pids].map(async (pid): Promise<readonly [number, string]> => {
      const file = await machine.read(`/proc/${String(pid)}/comm`);
      return [pid, file.kind === "text" ? file.text.trim() : "?"];
    }),
  );
  return new Map(names);
}

/** Ports that the kernel lends to whoever asks for any: a UDP socket there is mostly a question waiting for its answer. */
async function lentPorts(machine: Machine): Promise<readonly [number, number]> {
  const file = await machine.read("/proc/sys/net/ipv4/ip_local_port_range");
  const [from = 32_768, to = 60_999] = file.kind === "text" ? file.text.trim().split(/\s+/).map(Number) : [];
  return [from, to];
}

/** The kernel's own sockets there (WireGuard) have no holder, and do listen. */
function isClient({ protocol, port, pid, uid }: Held, [from, to]: readonly [number, number]): boolean {
  return protocol === "udp" && port >= from && port <= to && (pid !== undefined || uid !== 0);
}

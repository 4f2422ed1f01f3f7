/** Who listens on this machine and under which addresses it is reached, from the kernel's own tables. Runs no program. */
import { LISTEN_TABLES, parseSockets, type ListeningSocket } from "../../../gateway/listening.ts";
import type { Machine } from "../../machine.ts";
import { readTable } from "../asked-once.ts";

/** Undefined: the tables cannot be read. */
export async function listeningSockets(machine: Machine): Promise<readonly ListeningSocket[] | undefined> {
  const tables = await Promise.all(LISTEN_TABLES.map((path) => readTable(machine, path)));
  const texts = tables.flatMap((table) => (table.kind === "text" ? [table.text] : []));
  return texts.length === 0 ? undefined : texts.flatMap(parseSockets);
}

/** Addresses of this machine that others can use: no loopback, nothing that holds on one link only. */
export async function ownAddresses(machine: Machine): Promise<readonly string[]> {
  const [four, six] = await Promise.all([machine.read("/proc/net/fib_trie"), machine.read("/proc/net/if_inet6")]);
  return [
    ...(four.kind === "text" ? localAddresses(four.text) : []),
    ...(six.kind === "text" ? globalAddresses(six.text) : []),
  ];
}

/** In the kernel's tree an address of the machine itself is a leaf that is followed by `/32 host LOCAL`. */
export function localAddresses(trie: string): readonly string[] {
  const found = new Set<string>();
  let leaf: string | undefined;
  for (const line of trie.split("\n")) {
    leaf = /\|-- (\d{1,3}(?:\.\d{1,3}){3})$/.exec(line)?.[1] ?? leaf;
    if (leaf !== undefined && /^\s+\/32 host LOCAL/.test(line) && !leaf.startsWith("127.")) found.add(leaf);
  }
  return [...found];
}

const SCOPE_GLOBAL = "00";

export function globalAddresses(table: string): readonly string[] {
  return table.split("\n").flatMap((line) => {
    const [hex, , , scope] = line.trim().split(/\s+/);
    if (hex === undefined || !/^[0-9a-f]{32}$/.test(hex) || scope !== SCOPE_GLOBAL) return [];
    const groups = hex.match(/.{4}/g) ?? [];
    return [new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1)];
  });
}

/** As it stands in a URL. */
export function inUrl(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** Where to knock for a socket that listens on this address: everywhere means here, too. */
export function knockAddress(address: string): string {
  return address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
}

/**
 * Which addresses a bind target has right now. Node tells of interfaces that are up; one that is down has none.
 * Decides nothing: what may be listened on is another file's matter.
 */
import { networkInterfaces } from "node:os";
import { kindOf, type BindTarget } from "./address.ts";

/** As much of an interface's address as matters here. */
export interface InterfaceAddress {
  /** Without a zone. */
  readonly address: string;
}

export type Interfaces = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>;

export type ReadInterfaces = () => Interfaces;

export const readInterfaces: ReadInterfaces = () => networkInterfaces();

/**
 * Sorted, so that two looks at an unchanged machine are equal. Of an interface, its link-local IPv6 addresses are left
 * out: no certificate can name one, because the zone that it needs means something else on every machine.
 */
export function addressesOf(target: BindTarget, interfaces: Interfaces): readonly string[] {
  if (target.kind === "interface") return servable(interfaces[target.name] ?? []);
  const { address } = target;
  const all = Object.values(interfaces).flatMap((list) => list ?? []);
  // One by one: loopback is taken already, and a listener on everything would collide with it.
  if (kindOf(address) === "any") {
    const isV6 = address.includes(":");
    return servable(all).filter((one) => one.includes(":") === isV6);
  }
  // Every address of 127/8 answers, though only the first is listed.
  if (kindOf(address) === "loopback" && address.startsWith("127.")) return [address];
  return all.some((one) => sameAddress(one.address, address)) ? [address] : [];
}

function servable(found: readonly InterfaceAddress[]): readonly string[] {
  return found
    .map(({ address }) => address)
    .filter((address) => !isLinkLocalV6(address) && !isServedAnyway(address))
    .toSorted();
}

/** For a person who may have mistyped one. */
export function namesOf(interfaces: Interfaces): readonly string[] {
  return Object.keys(interfaces).toSorted();
}

function isLinkLocalV6(address: string): boolean {
  return address.includes(":") && /^fe[89ab]/i.test(address);
}

function isServedAnyway(address: string): boolean {
  return address === "127.0.0.1" || address === "::1";
}

/** One IPv6 address has many spellings; the kernel's is not always the person's. */
function sameAddress(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

function canonical(address: string): string {
  return address.includes(":") ? new URL(`http://[${address}]/`).hostname : address;
}

/**
 * What kind of address one is, and what a person meant by `--bind`. Pure: knows no interface of this machine.
 * What is not known to be private is public: a new range must not open an edge to the world.
 */
import { BlockList, isIP } from "node:net";
import { EdgeError } from "../../shared/edge-error.ts";

export type AddressKind = "any" | "loopback" | "private" | "public";

/** What to listen on beside loopback. */
export type BindTarget =
  | { readonly kind: "address"; readonly address: string }
  | { readonly kind: "interface"; readonly name: string };

/** RFC 1918, RFC 6598 (carriers' NAT, which Tailscale uses), RFC 3927, RFC 4193, RFC 4291 link-local. */
const PRIVATE = blockList([
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["fc00::", 7],
  ["fe80::", 10],
]);
const LOOPBACK = blockList([
  ["127.0.0.0", 8],
  ["::1", 128],
]);
const ANY = blockList([
  ["0.0.0.0", 32],
  ["::", 128],
]);

/** The kernel's limit (IFNAMSIZ less its zero), and what it refuses in a name. */
const INTERFACE_NAME = /^[A-Za-z0-9_.:@-]{1,15}$/;

export function kindOf(address: string): AddressKind {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const family = isIP(mapped) === 6 ? "ipv6" : "ipv4";
  if (ANY.check(mapped, family)) return "any";
  if (LOOPBACK.check(mapped, family)) return "loopback";
  return PRIVATE.check(mapped, family) ? "private" : "public";
}

/** @throws {EdgeError} `bind_refused` for what names neither an address nor an interface, or every address there is. */
export function parseTarget(text: string): BindTarget {
  if (isIP(text) !== 0) {
    if (text === "127.0.0.1" || text === "::1") throw alreadyServed();
    if (/^fe[89ab]/i.test(text)) throw needsZone();
    return { kind: "address", address: text };
  }
  if (INTERFACE_NAME.test(text)) return { kind: "interface", name: text };
  throw new EdgeError(
    "bind_refused",
    "--bind takes the name of a network interface, such as tailscale0 or wg0, or one address of this machine. See both with: ip address",
  );
}

/** Undefined when this address may be listened on. */
export function refuseAddress(address: string, allowPublic: boolean): EdgeError | undefined {
  if (allowPublic) return undefined;
  const kind = kindOf(address);
  if (kind === "any") {
    return new EdgeError(
      "bind_public",
      `${address} means every address of this machine, those that strangers reach among them. Name the interface or the address of your VPN, or add --public if you mean it.`,
    );
  }
  if (kind === "public") {
    return new EdgeError(
      "bind_public",
      `${address} is a public address: the whole internet could reach this edge there. Bind to an address of your VPN, or add --public if you mean it.`,
    );
  }
  return undefined;
}

function needsZone(): EdgeError {
  return new EdgeError(
    "bind_refused",
    "A link-local IPv6 address means something else on every machine, so no certificate can name it. Give another address, or the interface.",
  );
}

function alreadyServed(): EdgeError {
  return new EdgeError(
    "bind_refused",
    "127.0.0.1 and ::1 are served in any case. --bind is for one more address, where other machines reach this one.",
  );
}

function blockList(ranges: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, isIP(address) === 6 ? "ipv6" : "ipv4");
  return list;
}

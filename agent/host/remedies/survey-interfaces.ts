/** The machine's networks, as `ip` tells them: what each would be for, by what it looks like. */
import { formatNetwork, isInside, parseAddress, parseNetwork, type Network } from "../../../protocol/networks.ts";
import type { ZoneRole } from "../posture/collectors/network/zones.ts";
import { outputOf, type Hands } from "./hands.ts";

export interface NetworkCard {
  readonly name: string;
  readonly isUp: boolean;
  /** Networks that begin at this interface, shortest form. */
  readonly networks: readonly string[];
  /** Proposed, never assumed. */
  readonly role: ZoneRole;
}

const INSIDE = /^(?:lo|docker\d*|br-|veth|virbr|cni|flannel|lxdbr|lxcbr|podman|dummy|clawhold-)/;
const VPN = /^(?:wg|tailscale|tun|tap|zt|nebula|ppp|ipsec|utun)/;
/** RFC 1918, 6598, 3927, 4193. */
const PRIVATE = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
/** A machine of Tailscale's has one address and neighbours all over these. */
const TAILNET = ["100.64.0.0/10", "fd7a:115c:a1e0::/48"];

export async function surveyInterfaces(hands: Hands): Promise<readonly NetworkCard[]> {
  const text = await outputOf(hands, ["ip", "-j", "address"]);
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch {
    return []; // no such program, or an old one: then no role can be given
  }
  return (Array.isArray(rows) ? rows : []).flatMap((row) => cardOf(row) ?? []);
}

function cardOf(row: unknown): NetworkCard | undefined {
  if (typeof row !== "object" || row === null || !("ifname" in row) || typeof row.ifname !== "string") return undefined;
  const name = row.ifname;
  if (INSIDE.test(name)) return undefined;
  const flags: unknown = "flags" in row ? row.flags : [];
  const list: unknown = "addr_info" in row ? row.addr_info : [];
  const addresses = (Array.isArray(list) ? list : []).flatMap((one) => addressOf(one) ?? []);
  return {
    name,
    isUp: Array.isArray(flags) && flags.includes("UP"),
    networks: [...new Set(addresses.map(neighbours))],
    role: roleOf(name, addresses),
  };
}

function addressOf(one: unknown): Network | undefined {
  if (typeof one !== "object" || one === null || !("local" in one) || !("prefixlen" in one)) return undefined;
  if ("scope" in one && one.scope !== "global") return undefined;
  const address = parseAddress(String(one.local));
  return address === undefined || typeof one.prefixlen !== "number" ? undefined : { ...address, length: one.prefixlen };
}

function neighbours(address: Network): string {
  const isAlone = address.length === (address.family === 4 ? 32 : 128);
  return (isAlone ? TAILNET.find((text) => isOf(address, text)) : undefined) ?? formatNetwork(address);
}

function roleOf(name: string, addresses: readonly Network[]): ZoneRole {
  if (VPN.test(name)) return "management";
  return addresses.some((address) => !PRIVATE.some((text) => isOf(address, text))) ? "dmz" : "internal";
}

function isOf(address: Network, text: string): boolean {
  const network = parseNetwork(text);
  return network !== undefined && isInside(address, network);
}

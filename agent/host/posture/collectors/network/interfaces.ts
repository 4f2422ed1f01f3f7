/** How the machine hangs in its networks: whose packets may be a stranger's, and which networks are its own. */
import { isInside, parseAddress, type Network } from "../../../../../protocol/networks.ts";
import type { Machine } from "../../machine.ts";
import { ranOnce } from "../asked-once.ts";
import { LIST_ADDRESSES } from "../own-addresses.ts";
import { isObject, listOf, member, numberOf, parsedJson, textOf } from "./nft/json.ts";
import type { Standing } from "./nft/inbound.ts";

export interface Interface {
  readonly name: string;
  /** What `ip` calls its kind: "bridge", "veth", "wireguard", "tun"; empty for a card. */
  readonly kind: string;
  readonly isUp: boolean;
  readonly addresses: readonly { readonly address: string; readonly length: number; readonly scope: string }[];
}

/** Loopback, containers, VPNs and our own probes: whoever sends there is inside already, or is another check's matter. */
const INSIDE =
  /^(?:lo|docker\d*|br-[0-9a-f]{12}|veth.*|virbr\d*|cni\d*|flannel.*|lxdbr\d*|lxcbr\d*|podman\d*|dummy\d*|clawhold-.*)$/;
const VPN = /^(?:wg|tailscale|tun|tap|zt|nebula|ppp|ipsec|utun)/;
const VPN_KINDS: readonly string[] = ["wireguard", "tun", "ipip", "xfrm"];

export function isVpn({ name, kind }: Interface): boolean {
  return VPN.test(name) || VPN_KINDS.includes(kind);
}

export function isOutside(one: Interface): boolean {
  return one.isUp && !INSIDE.test(one.name) && !isVpn(one);
}

export async function readInterfaces(
  machine: Machine,
): Promise<{ readonly interfaces: readonly Interface[]; readonly raw: string } | undefined> {
  const answer = await ranOnce(machine, LIST_ADDRESSES);
  if (answer.kind !== "ran" || answer.exit !== 0) return undefined;
  const list = parsedJson(answer.stdout);
  if (!Array.isArray(list)) return undefined;
  return { interfaces: listOf(list).filter(isObject).map(interfaceOf), raw: answer.stdout };
}

function interfaceOf(one: Readonly<Record<string, unknown>>): Interface {
  const flags = listOf(one["flags"]);
  return {
    name: textOf(one["ifname"]) ?? "?",
    kind: textOf(member(one["linkinfo"], "info_kind")) ?? "",
    isUp: flags.includes("UP"),
    addresses: listOf(one["addr_info"]).map((info) => ({
      address: textOf(member(info, "local")) ?? "",
      length: numberOf(member(info, "prefixlen")) ?? 0,
      scope: textOf(member(info, "scope")) ?? "",
    })),
  };
}

export interface Forwards {
  readonly 4: boolean;
  readonly 6: boolean;
}

export function standingOf(interfaces: readonly Interface[], forwards: Forwards): Standing {
  const own = new Set(interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
  return {
    outside: interfaces.filter(isOutside).map(({ name, addresses }) => ({
      name,
      ip: addresses.map(({ address }) => address).filter((address) => !address.includes(":")),
      // Also one that only its link knows: the neighbours of a rented server are strangers.
      ip6: addresses.map(({ address }) => address).filter((address) => address.includes(":")),
    })),
    isOwn: (address) => own.has(address),
    interfaceTowards: (address) => interfaces.find((one) => isBehind(one, address))?.name,
    forwards,
  };
}

function isBehind({ addresses }: Interface, text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  return addresses.some(({ address: own, length }) => {
    const base = parseAddress(own);
    if (base === undefined || base.family !== address.family) return false;
    const width = base.family === 4 ? 32 : 128;
    const beyond = BigInt(width - length);
    const network: Network = { ...base, bits: (base.bits >> beyond) << beyond, length };
    return isInside(address, network);
  });
}

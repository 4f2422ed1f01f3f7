/**
 * The internet of a lab: a switch that is also the provider's router, and on it the server, an attacker, the admin whose
 * address is allow-listed, and the machine with the edge. Documentation addresses (RFC 5737, RFC 3849): nothing leaves.
 *
 * The server's namespace is made anew at each start, as a kernel is: rules and addresses of before are gone.
 */
import { spawnSync } from "node:child_process";
import { inNamespace, ip } from "../net/machines.ts";
import { labName, removeNamespace, sweep } from "./leftovers.ts";

/** `next`: a second server. */
export const PLACES = ["router", "attacker", "admin", "edge", "host", "next"] as const;
export type Place = (typeof PLACES)[number];
type Server = "host" | "next";

export const ADDRESS: Readonly<Record<Place, string>> = {
  router: "203.0.113.1",
  attacker: "203.0.113.66",
  admin: "203.0.113.67",
  edge: "203.0.113.20",
  host: "203.0.113.10",
  next: "203.0.113.11",
};
export const ADDRESS6: Readonly<Record<Place, string>> = {
  router: "2001:db8::1",
  attacker: "2001:db8::66",
  admin: "2001:db8::67",
  edge: "2001:db8::20",
  host: "2001:db8::10",
  next: "2001:db8::11",
};
/** Both are the router's: the provider's metadata service, and some place in the world. */
export const METADATA = "169.254.169.254";
export const WORLD = "198.51.100.80";
/** Takes questions and never answers: what a broken provider's resolver does. */
export const SILENT_RESOLVER = "198.51.100.53";

const BRIDGE = "br0";
const CABLE = "eth0";
const SYSCTL = "/usr/sbin/sysctl";
const NFT = "/usr/sbin/nft";

export class Network {
  readonly #remove: () => void;

  /** Sweeps what killed runs left, then builds all places but the servers. */
  constructor() {
    sweep();
    this.#remove = () => {
      for (const place of PLACES) removeNamespace(namespaceAt(place));
    };
    process.once("exit", this.#remove);
    try {
      this.#build();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #build(): void {
    const router = namespaceAt("router");
    add(router);
    ip("-n", router, "link", "add", BRIDGE, "type", "bridge");
    ip("-n", router, "link", "set", BRIDGE, "up");
    for (const address of [`${ADDRESS.router}/24`, `${METADATA}/32`, `${WORLD}/32`, `${SILENT_RESOLVER}/32`]) {
      ip("-n", router, "address", "add", address, "dev", BRIDGE);
    }
    ip("-n", router, "address", "add", `${ADDRESS6.router}/64`, "dev", BRIDGE, "nodad");
    const drop = `type filter hook input priority 0; ip daddr ${SILENT_RESOLVER} drop;`;
    const silence = `table ip silence { chain input { ${drop} }; }`;
    inNamespace(router, NFT, silence);
    for (const place of ["attacker", "admin", "edge"] as const) plug(place);
  }

  /** Cables a server that is about to start. Resolves to its namespace. */
  plugIn(server: Server): string {
    this.unplug(server);
    plug(server);
    return namespaceAt(server);
  }

  unplug(server: Server): void {
    // The kernel clears a namespace away when it has time; until then the router's end of its cable keeps its name.
    spawnSync("/usr/sbin/ip", ["-n", namespaceAt("router"), "link", "delete", server]);
    removeNamespace(namespaceAt(server));
  }

  /** Pulls the cable of a running server, or puts it back. */
  cable(server: Server, state: "up" | "down"): void {
    ip("-n", namespaceAt("router"), "link", "set", server, state);
  }

  namespace(place: Place): string {
    return namespaceAt(place);
  }

  close(): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}

function namespaceAt(place: Place): string {
  return labName(place);
}

function add(namespace: string): void {
  ip("netns", "add", namespace);
  ip("-n", namespace, "link", "set", "lo", "up");
}

function plug(place: Place): void {
  const namespace = namespaceAt(place);
  const router = namespaceAt("router");
  add(namespace);
  ip("-n", router, "link", "add", place, "type", "veth", "peer", "name", CABLE, "netns", namespace);
  // The same card at each start: neighbours remember it.
  ip("-n", namespace, "link", "set", CABLE, "address", `02:00:00:00:00:0${String(PLACES.indexOf(place))}`);
  ip("-n", router, "link", "set", place, "master", BRIDGE, "up");
  ip("-n", namespace, "address", "add", `${ADDRESS[place]}/24`, "dev", CABLE);
  ip("-n", namespace, "address", "add", `${ADDRESS6[place]}/64`, "dev", CABLE, "nodad");
  ip("-n", namespace, "link", "set", CABLE, "up");
  ip("-n", namespace, "route", "add", "default", "via", ADDRESS.router);
  ip("-n", namespace, "-6", "route", "add", "default", "via", ADDRESS6.router);
  // The kernel of this machine may forward by default; a server that was just rented does not.
  inNamespace(namespace, SYSCTL, "-q", "-w", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0");
}

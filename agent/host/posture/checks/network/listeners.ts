/** Who may listen where: named by SSH itself, by a rule of the firewall that says why, or by approval. */
import type { ApprovedNetwork } from "../../collectors/network/approved.ts";
import type { Listener } from "../../collectors/network/sockets.ts";
import type { FactReader } from "../../facts.ts";

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.|0:0:0:0:0:ffff:7f)/;
const WILDCARD: readonly string[] = ["0.0.0.0", "::"];
/** What asks for an address by DHCP listens for the answer. */
const DHCP_PORTS: readonly number[] = [68, 546];
const MAX_SAID = 8;

export function namedListeners(
  listeners: readonly Listener[],
  doors: ApprovedNetwork["doors"],
  reader: FactReader,
): readonly string[] {
  const unnamed = listeners.filter((one) => isPublic(one, reader) && !isNamed(one, doors, reader));
  const said = new Map<string, string>();
  for (const one of unnamed) {
    const key = `${one.program ?? ""} ${one.protocol} ${String(one.port)}`;
    if (!said.has(key)) said.set(key, sentenceOf(one, reader));
  }
  const sentences = [...said.values()];
  const more = sentences.length - MAX_SAID;
  return more > 0 ? [...sentences.slice(0, MAX_SAID), `and ${String(more)} more`] : sentences;
}

/** In this network, on an address that others than this machine, its containers and its VPN can send to. */
export function isPublic({ address, isElsewhere }: Listener, reader: FactReader): boolean {
  if (isElsewhere || LOOPBACK.test(address)) return false;
  if (WILDCARD.includes(address)) return true;
  const interfaces = reader.get("net.interfaces");
  if (interfaces.kind !== "known") return true;
  const own = interfaces.value.find(({ addresses }) => addresses.some((one) => one.address === address));
  return own === undefined || !(own.isVpn || /^(?:docker|br-|virbr|lo$|lxcbr|lxdbr)/.test(own.name));
}

export function isNamed(
  { protocol, port, program, pid }: Pick<Listener, "protocol" | "port" | "program" | "pid">,
  doors: ApprovedNetwork["doors"],
  reader: FactReader,
): boolean {
  if (doors.some((door) => door.protocol === protocol && door.port === port)) return true;
  if (protocol === "udp" && DHCP_PORTS.includes(port)) return true;
  const isSsh = sshPorts(reader).includes(port) && (program === undefined || /^(?:sshd|systemd)$/.test(program));
  if (protocol === "tcp" && isSsh) return true;
  // A VPN's own door: the kernel's, or its program's.
  if (
    protocol === "udp" &&
    (pid === undefined || /^(?:tailscaled|openvpn|wireguard-go)$/.test(program ?? "")) &&
    hasVpn(reader)
  )
    return true;
  const inbound = reader.get("fw.inbound");
  return (
    inbound.kind === "known" &&
    inbound.value.openings.some(
      (one) =>
        one.protocol === protocol && one.from <= port && port <= one.to && one.reason !== "" && one.to - one.from < 64,
    )
  );
}

/** Without root nobody sees which sockets sshd holds: then the ports at which its files say that it listens, and where it answered. */
function sshPorts(reader: FactReader): readonly number[] {
  const [daemon, offers] = [reader.get("ssh.daemon"), reader.get("ssh.offers")];
  if (daemon.kind !== "known") return [];
  const { state, listens } = daemon.value;
  if (listens.length > 0 || state !== "listening" || offers.kind !== "known") return listens.map(({ port }) => port);
  return offers.value.seen.map(({ port }) => port);
}

function hasVpn(reader: FactReader): boolean {
  const interfaces = reader.get("net.interfaces");
  return interfaces.kind === "known" && interfaces.value.some(({ isVpn, isUp }) => isVpn && isUp);
}

function sentenceOf(one: Listener, reader: FactReader): string {
  const who =
    one.program === undefined
      ? `a program of ${one.uid === 0 ? "root" : `user ${String(one.uid)}`}`
      : `${one.program} (pid ${String(one.pid ?? 0)})`;
  const where = one.address.includes(":") ? `[${one.address}]` : one.address;
  return `${who} listens on ${where}:${String(one.port)} (${one.protocol})${behindOf(one, reader)}`;
}

function behindOf(one: Listener, reader: FactReader): string {
  const inbound = reader.get("fw.inbound");
  if (inbound.kind !== "known") return "";
  const hit = inbound.value.openings.find(
    ({ protocol, from, to }) => protocol === one.protocol && from <= one.port && one.port <= to,
  );
  if (hit === undefined) return "; the firewall keeps strangers out";
  return hit.answer === "open" ? "; the firewall lets everybody in" : "";
}

/** SSH and the gateway answer on the VPN, and nowhere else a stranger reaches. */
export function adminOnVpn(listeners: readonly Listener[], reader: FactReader): readonly string[] {
  const daemon = reader.get("ssh.daemon");
  const gateways = reader.get("gateway.found");
  const ssh = daemon.kind === "known" ? daemon.value.listens.map(({ port }) => port) : [];
  const gateway = gateways.kind === "known" ? gateways.value.map(({ port }) => port) : [];
  const admin = listeners.filter(
    (one) => one.protocol === "tcp" && (ssh.includes(one.port) || gateway.includes(one.port)) && isPublic(one, reader),
  );
  const inbound = reader.get("fw.inbound");
  const isShut = (port: number): boolean =>
    inbound.kind === "known" &&
    !inbound.value.openings.some(({ protocol, from, to }) => protocol === "tcp" && from <= port && port <= to);
  const ports = new Set(admin.map(({ port }) => port).filter((port) => !isShut(port)));
  return [...ports].map((port) => {
    const what = ssh.includes(port) ? "SSH" : "the gateway";
    return `${what} on port ${String(port)} answers beside the VPN too`;
  });
}

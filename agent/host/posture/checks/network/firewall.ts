/** What must hold of the packet filter. */
import { nameOf, type FirewallFacts, type OwnedOpening } from "../../collectors/network/firewall.ts";
import type { EgressProbe } from "../../collectors/network/egress.ts";

/** More ports at once than anybody lists: the rule is no list, it is an open door. */
const MAX_LISTED_PORTS = 2_048;

export function deniesByDefault(openings: readonly OwnedOpening[]): readonly string[] {
  return openings
    .filter(({ answer, from, to }) => answer === "open" && to - from >= MAX_LISTED_PORTS)
    .map(
      (one) =>
        `${nameOf(one)} are open to everybody (${one.chain === "no rule" ? "no rule drops them" : `by ${one.chain}`})`,
    );
}

export function liveHolds({ digest, approved, ufw }: FirewallFacts["fw.live"]): readonly string[] {
  return [
    ...(ufw === "missing" ? ["ufw is enabled and calls itself active, but its rules are not in the kernel"] : []),
    ...(approved !== undefined && approved !== digest
      ? [`the rules in the kernel are not the approved ones (${digest.slice(0, 8)}, approved ${approved.slice(0, 8)})`]
      : []),
  ];
}

export function bootHolds({ isUfwLive, otherTables, units }: FirewallFacts["fw.boot"]): readonly string[] {
  const isEnabled = (name: string): boolean => units.some(({ unit, isEnabled: is }) => unit === name && is);
  const others = units.filter(({ unit, isEnabled: is }) => is && unit !== "ufw.service");
  if (isUfwLive && !isEnabled("ufw.service")) return ["ufw's rules are in the kernel, and ufw.service is not enabled"];
  if (!isUfwLive && otherTables.length === 0)
    return units.some(({ isEnabled: is }) => is) ? [] : ["no service loads a firewall when the machine starts"];
  if (otherTables.length > 0 && others.length === 0)
    return [`no enabled service loads ${otherTables.join(", ")} when the machine starts`];
  return [];
}

export function ownedHolds(openings: readonly OwnedOpening[]): readonly string[] {
  return openings
    .filter(({ answer, reason }) => answer === "open" && reason === "")
    .map((one) => `${nameOf(one)} is open and nobody wrote down why (${one.chain})`);
}

export function nothingPasses({ passes, zones = [] }: FirewallFacts["net.passes"]): readonly string[] {
  return [
    ...passes
      .filter(({ answer }) => answer === "open")
      .map(({ from, to, family }) => `IPv${String(family)} is passed on from ${from} to ${to}`),
    ...zones.flatMap(({ interface: name, role, beyond }) =>
      beyond
        .filter(({ answer }) => answer === "open")
        .map(
          ({ protocol, from, to, family }) =>
            `${name} (${role}) lets in ${protocol} ${from === to ? String(from) : `${String(from)} to ${String(to)}`} by IPv${String(family)}`,
        ),
    ),
  ];
}

/** Refused where others get through; or refused by a rule, where everybody gets the same answer from further away. */
function isHeld({ asUser, asRoot, byRules }: EgressProbe): boolean {
  if (asUser === "open") return false;
  const isRefused = asUser === "closed" || asUser === "unreachable";
  if (isRefused && (asRoot === "filtered" || asRoot === "open")) return true;
  return byRules === "closed";
}

export function egressHolds(probes: readonly EgressProbe[]): readonly string[] {
  return probes
    .filter((one) => !isHeld(one))
    .map(({ user, uid }) =>
      uid === 0
        ? "the gateway runs as root, whom no rule about users holds back"
        : `${user} (uid ${String(uid)}) may connect to any address: no rule for outgoing connections stops it`,
    );
}

export function metadataHolds(probes: readonly EgressProbe[]): readonly string[] {
  return probes
    .filter((one) => !isHeld(one))
    .map(
      ({ user, uid }) => `${user} (uid ${String(uid)}) reaches 169.254.169.254, where the cloud hands out credentials`,
    );
}

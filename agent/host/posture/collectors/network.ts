/** Facts of this area: what is known about it, by name. The collectors that give them are listed at the end. */
import type { Collector, Setting } from "../collector.ts";
import type { OutsideLook } from "../../../../protocol/posture/outside.ts";
import { known, unknown, type Fact } from "../fact.ts";
import type { FactSet } from "../facts.ts";
import type { Machine } from "../machine.ts";
import { banFacts, banGives, type BanFacts } from "./network/bans.ts";
import { CANARY_SOURCE, canaryFact, type Canary, type CanaryPlan } from "./network/canary.ts";
import { egressFacts, egressGives, type EgressFacts, type GatewayUser } from "./network/egress.ts";
import { firewallFacts, firewallGives, type FirewallFacts } from "./network/firewall.ts";
import { isVpn, readInterfaces, type Interface } from "./network/interfaces.ts";
import { readForwards, readKernelSettings, type WrongSetting } from "./network/kernel.ts";
import { outsideFact } from "./network/outside.ts";
import { readApproved, type ApprovedNetwork } from "./network/approved.ts";
import { readListeners, type Listener } from "./network/sockets.ts";
import type { Listen } from "./processes.ts";

export interface NetworkFacts extends FirewallFacts, BanFacts, EgressFacts {
  "net.interfaces": readonly (Interface & { readonly isVpn: boolean })[];
  "net.sockets": { readonly listeners: readonly Listener[]; readonly doors: ApprovedNetwork["doors"] };
  "net.kernel": readonly WrongSetting[];
  "ban.canary": Canary;
  "net.outside": OutsideLook;
}

const fastGives = [
  "net.interfaces",
  "net.sockets",
  "net.kernel",
  "net.outside",
  "ban.canary",
  ...firewallGives,
  ...banGives,
] as const;
const slowGives = ["ban.canary", ...egressGives] as const;

/** Each minute: one listing of the packet filter, one walk over the processes. */
const look: Collector = { name: "network", lane: "fast", gives: fastGives, collect: collectFast };
/** What is tried, where somebody may notice. */
const tryOut: Collector = {
  name: "network tries",
  lane: "slow",
  gives: slowGives,
  after: ["ssh.daemon", "ssh.effective", "gateway.found", "ban.service", "fw.inbound"],
  collect: collectSlow,
};

async function collectFast(setting: Setting): Promise<FactSet> {
  const { machine } = setting;
  const [read, forwards] = await Promise.all([readInterfaces(machine), readForwards(machine)]);
  const [firewall, bans, sockets, kernel, outside] = await Promise.all([
    firewallFacts(setting, { interfaces: read?.interfaces, forwards }),
    banFacts(setting),
    socketsFact(setting),
    kernelFact(machine, read?.interfaces ?? []),
    outsideFact(setting),
  ]);
  return {
    ...firewall,
    ...bans,
    "ban.canary": stillProven(setting, bans["ban.service"]),
    "net.interfaces": interfacesFact(machine, read),
    "net.sockets": sockets,
    "net.kernel": kernel,
    "net.outside": outside,
  };
}

/** A ban service that was started since, or ended, was not tried. */
function stillProven({ kept }: Setting, service: Fact<BanFacts["ban.service"]>): Fact<Canary> {
  const canary = kept?.["ban.canary"];
  if (canary?.kind !== "known" || service.kind !== "known") return unknown("not_run", CANARY_SOURCE);
  const isSame = canary.value.invocation === service.value.invocation;
  return isSame ? canary : unknown("not_run", "fail2ban was started since a stranger was last played");
}

function interfacesFact(
  machine: Machine,
  read: Awaited<ReturnType<typeof readInterfaces>>,
): Fact<NetworkFacts["net.interfaces"]> {
  const source = "ip -j -d address";
  if (read === undefined) return unknown("failed", source);
  const excerpt = read.interfaces
    .filter(({ addresses }) => addresses.length > 0)
    .map(({ name, addresses }) => `${name} ${addresses.map(({ address }) => address).join(" ")}`)
    .join("; ");
  const value = read.interfaces.map((one) => ({ ...one, isVpn: isVpn(one) }));
  return known(value, { level: "runtime", source, at: machine.now(), raw: read.raw, excerpt, exit: 0 });
}

async function socketsFact({ machine, directory, kept }: Setting): Promise<Fact<NetworkFacts["net.sockets"]>> {
  const source = "/proc/net/tcp, tcp6, udp, udp6";
  const before = kept?.["net.sockets"];
  const [read, { doors }] = await Promise.all([
    readListeners(machine, before?.kind === "known" ? before.value.listeners : []),
    readApproved(machine, directory),
  ]);
  if (read === undefined) return unknown("failed", source);
  const { listeners, raw } = read;
  const excerpt = listeners
    .filter(({ isElsewhere }) => !isElsewhere)
    .map(({ protocol, address, port, program }) => `${protocol} ${address}:${String(port)} ${program ?? "?"}`)
    .join("; ");
  return known({ listeners, doors }, { level: "runtime", source, at: machine.now(), raw, excerpt });
}

async function kernelFact(machine: Machine, interfaces: readonly Interface[]): Promise<Fact<readonly WrongSetting[]>> {
  const source = "/proc/sys/net";
  const names = interfaces
    .filter(({ name, isUp }) => isUp && name !== "lo" && !/^(?:veth|clawhold-)/.test(name))
    .map(({ name }) => name);
  const read = await readKernelSettings(machine, names);
  if (read === undefined) return unknown("failed", source);
  const excerpt = read.wrong.map(({ name, value }) => `${name} = ${value}`).join("; ") || "all as they should be";
  return known(read.wrong, { level: "runtime", source, at: machine.now(), raw: read.raw, excerpt });
}

async function collectSlow(setting: Setting): Promise<FactSet> {
  const [egress, canary] = await Promise.all([egressFacts(setting, usersOf(setting)), playCanary(setting)]);
  return { ...egress, "ban.canary": canary };
}

function usersOf({ soFar }: Setting): readonly GatewayUser[] {
  const found = soFar["gateway.found"];
  if (found?.kind !== "known") return [];
  const users = new Map(found.value.map(({ user, uid, gid }) => [uid, { user, uid, gid }]));
  return [...users.values()].slice(0, 4);
}

/** Never on a machine that somebody only wanted to look at: it makes a network and a line in the log. */
async function playCanary(setting: Setting): Promise<Fact<Canary>> {
  const { machine, directory } = setting;
  if (!machine.isRoot) return unknown("not_root", CANARY_SOURCE);
  if (directory === undefined) return unknown("not_run", CANARY_SOURCE);
  const plan = planOf(setting);
  return plan === undefined ? unknown("not_run", "sshd does not listen") : canaryFact(setting, plan);
}

function planOf({ soFar }: Setting): CanaryPlan | undefined {
  const [daemon, effective, service] = [soFar["ssh.daemon"], soFar["ssh.effective"], soFar["ban.service"]];
  if (daemon?.kind !== "known") return undefined;
  const chosen = doorOf(daemon.value.listens);
  if (chosen === undefined) return undefined;
  const { jails, invocation } = service?.kind === "known" ? service.value : { jails: [], invocation: "" };
  return {
    ...chosen,
    jail: jails.find(({ name }) => /^sshd?(?:$|-)/.test(name))?.name,
    invocation,
    isShut: isShut(soFar["fw.inbound"], chosen.port),
    hasPenalties:
      effective?.kind === "known" && hasPenalties(effective.value.answers[0]?.settings["persourcepenalties"]),
  };
}

/** Where a stranger would knock: at every address rather than at one. */
function doorOf(listens: readonly Listen[]): Pick<CanaryPlan, "port" | "address"> | undefined {
  const open = listens.filter(({ address }) => !/^127\.|^::1$/.test(address));
  const everywhere = open.find(({ address }) => address === "0.0.0.0") ?? open.find(({ address }) => address === "::");
  if (everywhere !== undefined) return { port: everywhere.port, address: undefined };
  return open[0];
}

function isShut(inbound: FactSet["fw.inbound"], port: number): boolean {
  if (inbound?.kind !== "known" || inbound.gap !== undefined) return false;
  return !inbound.value.openings.some(({ protocol, from, to }) => protocol === "tcp" && from <= port && port <= to);
}

/** OpenSSH before 9.8 does not know the word. */
export function hasPenalties(words: readonly string[] | undefined): boolean {
  return words !== undefined && words.length > 0 && !/^(?:no|none)$/.test(words.join(" ").trim());
}

export const networkCollectors: readonly Collector[] = [look, tryOut];

/** Facts about the one door that stays open: what sshd makes of its configuration, what a stranger sees, whose keys open it. */
import { compare, type Drift, type Listing } from "../baseline.ts";
import type { Collector, Setting } from "../collector.ts";
import { unknown, type Fact } from "../fact.ts";
import type { FactSet } from "../facts.ts";
import { readAccounts, type Accounts } from "./accounts.ts";
import { ownAddresses } from "./own-addresses.ts";
import { readSshdFiles, type SshdFiles } from "./ssh/config-file.ts";
import { findDaemon, type Daemon } from "./ssh/daemon.ts";
import { askSshd, type Effective } from "./ssh/effective.ts";
import { hear, type Hear } from "./ssh/hello.ts";
import { findHostKeys, findKeys, type HostKeys, type Keys } from "./ssh/keys.ts";
import {
  doorsOf,
  isStillSeen,
  markOf,
  seeMethods,
  seeOffers,
  usersToTry,
  seeUsualPort,
  type Methods,
  type Offers,
  type UsualPort,
} from "./ssh/probe.ts";

export interface Names {
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

export interface SshFacts {
  "ssh.daemon": Daemon;
  "ssh.usual-port": UsualPort;
  "ssh.effective": Effective;
  "ssh.names": Names;
  "ssh.offers": Offers;
  "ssh.methods": Methods;
  "ssh.keys": Keys;
  "ssh.keys.drift": Drift;
  "ssh.hostkeys": HostKeys;
}

const gives = [
  "ssh.daemon",
  "ssh.usual-port",
  "ssh.effective",
  "ssh.names",
  "ssh.offers",
  "ssh.methods",
  "ssh.keys",
  "ssh.keys.drift",
  "ssh.hostkeys",
] as const;

/** `hear` is handed in, so that a test can stand in for the other end. */
export function sshCollector(listen: Hear = hear): Collector {
  return { name: "ssh", lane: "fast", gives, collect: (setting) => collect(setting, listen) };
}

async function collect(setting: Setting, listen: Hear): Promise<FactSet> {
  const { machine } = setting;
  const [daemon, files, accounts, addresses] = await Promise.all([
    findDaemon(machine),
    readSshdFiles(machine),
    readAccounts(machine),
    ownAddresses(machine),
  ]);
  if (accounts === undefined || daemon.kind === "unknown") return nothing(daemon);
  const running = daemon.value;
  if (running.state === "absent" || running.state === "other") {
    return { ...nothing(daemon), "ssh.daemon": daemon };
  }
  // A sshd that systemd starts at the first visitor says nothing of itself before: its directory in /run is not there.
  const first = running.state === "activated" ? doorsOf(running, addresses)[0] : undefined;
  if (first !== undefined) await listen(first.address, first.port);
  const usualPort = seeUsualPort(machine, running, addresses);
  const effective = await askSshd({ machine, files, accounts, daemon: running });
  const [keys, hostKeys, probed] = await Promise.all([
    findKeys(machine, { accounts, effective }),
    findHostKeys(machine, effective),
    probe(setting, { effective, daemon: reachable(running, files), addresses, listen }),
  ]);
  return {
    "ssh.daemon": daemon,
    "ssh.usual-port": await usualPort,
    "ssh.effective": effective,
    "ssh.names": namesOf(accounts, { effective, setting }),
    "ssh.keys": keys,
    "ssh.keys.drift": driftOf(keys, setting),
    "ssh.hostkeys": hostKeys,
    ...probed,
  };
}

function nothing(daemon: Fact<Daemon>): FactSet {
  const why = daemon.kind === "unknown" ? daemon.why : "missing_tool";
  return Object.fromEntries(gives.map((name) => [name, unknown(why, "sshd")]));
}

/** Who may not look into sshd's process knocks where its files say that it listens: a prompt for a password is one to anybody. */
function reachable(daemon: Daemon, { directives }: SshdFiles): Daemon {
  if (daemon.listens.length > 0 || (daemon.state !== "listening" && daemon.state !== "down")) return daemon;
  const ports = directives
    .filter(({ keyword, within }) => keyword === "port" && within.length === 0)
    .map(({ words }) => Number(words[0]))
    .filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
  return { ...daemon, listens: (ports.length === 0 ? [22] : ports).map((port) => ({ address: "0.0.0.0", port })) };
}

interface Probing {
  readonly effective: Fact<Effective>;
  readonly daemon: Daemon;
  readonly addresses: readonly string[];
  readonly listen: Hear;
}

async function probe({ machine, kept }: Setting, { effective, daemon, addresses, listen }: Probing): Promise<FactSet> {
  const mark = markOf(effective, daemon, addresses);
  if (isStillSeen(kept, { mark, now: machine.now() })) return {};
  const doors = doorsOf(daemon, addresses);
  if (doors.length === 0) {
    const none = unknown(machine.isRoot ? "not_visible" : "not_root", "sshd listens nowhere that we can see");
    return { "ssh.offers": none, "ssh.methods": none };
  }
  // One after the other: few connections at once is what sshd is told to allow strangers.
  const offers = await seeOffers(machine, { doors, hear: listen, mark });
  const methods = await seeMethods(machine, { doors, users: usersToTry(effective), mark });
  return { "ssh.offers": offers, "ssh.methods": methods };
}

/** Those that the allow-lists name and that exist: no report needs the names of all users. */
function namesOf(
  accounts: Accounts,
  { effective, setting }: { effective: Fact<Effective>; setting: Setting },
): Fact<Names> {
  if (effective.kind === "unknown") return effective;
  const named = (keyword: string): readonly string[] =>
    effective.value.answers.flatMap(({ settings }) => (settings[keyword] ?? []).flatMap((value) => value.split(/\s+/)));
  const users = named("allowusers").map((name) => name.split("@")[0] ?? "");
  const groups = named("allowgroups");
  const value = {
    users: [...new Set(users)].filter((name) => accounts.accounts.some((one) => one.name === name)),
    groups: [...new Set(groups)].filter((name) => accounts.groups.some((one) => one.name === name)),
  };
  return {
    kind: "known",
    value,
    evidence: { ...effective.evidence, source: "getent passwd, getent group", at: setting.machine.now(), excerpt: "" },
  };
}

function driftOf(keys: Fact<Keys>, { machine, directory }: Setting): Fact<Drift> {
  if (keys.kind === "unknown") return keys;
  if (keys.gap !== undefined) return { kind: "unknown", ...keys.gap };
  const listing: Listing = Object.fromEntries(
    keys.value.files.flatMap(({ user, keys: list }) =>
      list.map(({ fingerprint, type, options }) => [`${user} ${fingerprint}`, `${type} ${options}`]),
    ),
  );
  const source = "authorized keys, against those that were approved";
  return compare({ directory, name: "ssh-keys", listing, seen: { level: "runtime", source, at: machine.now() } });
}

export const sshCollectors: readonly Collector[] = [sshCollector()];

/**
 * What the remedies need to know of the machine, asked once and freshly before a plan is made: a scan's facts may be a minute old,
 * and this is about to change things. Only looks.
 */
import { outputOf, says, type Hands } from "./hands.ts";
import { lookForGateway, type GatewayPlace } from "./survey-gateway.ts";
import { surveyInterfaces, type NetworkCard } from "./survey-interfaces.ts";
import { surveySsh, type SshSurvey } from "./survey-ssh.ts";
import { surveyMove, type MoveSurvey } from "./move/survey-move.ts";
import type { Disk } from "./disk.ts";

export interface Survey {
  readonly disk: Disk;
  /** systemd is the first process: timers, units and reloads are there. */
  readonly hasSystemd: boolean;
  readonly ssh: SshSurvey | undefined;
  readonly programs: ReadonlySet<string>;
  /** `nft -j list ruleset`; undefined: nobody could tell. */
  readonly ruleset: readonly Readonly<Record<string, unknown>>[] | undefined;
  readonly gateway: GatewayPlace;
  /** The rules in the kernel, and those that were approved: by their digests. */
  readonly rules: { readonly now: string | undefined; readonly approved: string | undefined };
  /** Own addresses that others may know. */
  readonly addresses: readonly string[];
  /** Where administrators signed in from, by the system's log of the last days. */
  readonly seenFrom: readonly string[];
  /** Ports that answer on every address, with the program. */
  readonly listening: readonly { readonly port: number; readonly protocol: "tcp" | "udp"; readonly program: string }[];
  /** Drawn once and kept until it is used, so that the plan that is shown is the one that is applied. */
  readonly freePort: number;
  /** Asked only when the gateway's move is planned. */
  readonly move?: MoveSurvey | undefined;
  /** The machine's own networks. */
  readonly interfaces: readonly NetworkCard[];
  readonly isActive: (unit: string) => boolean;
  readonly isEnabled: (unit: string) => boolean;
}

const places = ["/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"] as const;
const wanted = ["ufw", "nft", "fail2ban-client", "sshd", "ssh", "apt-get", "sudo", "firewall-cmd", "ip"] as const;
const watched = [
  "ssh.service",
  "ssh.socket",
  "ufw.service",
  "nftables.service",
  "fail2ban.service",
  "firewalld.service",
  "rsyslog.service",
  "unattended-upgrades.service",
] as const;

export interface SurveyOptions {
  readonly freePort: number;
  readonly approvedRules: string | undefined;
  readonly isMove?: boolean;
}

export async function survey(
  hands: Hands,
  { freePort, approvedRules, isMove = false }: SurveyOptions,
): Promise<Survey> {
  const { disk } = hands;
  const hasSystemd = disk.state("/run/systemd/system").kind === "directory";
  const programs = new Set(
    wanted.filter((name) => places.some((place) => ["file", "link"].includes(disk.state(`${place}${name}`).kind))),
  );
  const [active, enabled] = [new Set<string>(), new Set<string>()];
  if (hasSystemd) {
    for (const unit of watched) {
      if (await says(hands, ["systemctl", "is-active", "-q", unit])) active.add(unit);
      if (await says(hands, ["systemctl", "is-enabled", "-q", unit])) enabled.add(unit);
    }
  }
  return {
    disk,
    hasSystemd,
    programs,
    freePort,
    rules: { now: await hands.rulesDigest(), approved: approvedRules },
    ssh: programs.has("sshd") ? await surveySsh(hands) : undefined,
    ruleset: programs.has("nft") ? await listRuleset(hands) : undefined,
    gateway: await lookForGateway(hands),
    addresses: hands.addresses(),
    seenFrom: hasSystemd ? await seenSignIns(hands) : [],
    listening: await publicListeners(hands),
    interfaces: await surveyInterfaces(hands),
    move: isMove ? await surveyMove(hands) : undefined,
    isActive: (unit) => active.has(unit),
    isEnabled: (unit) => enabled.has(unit),
  };
}

async function listRuleset(hands: Hands): Promise<Survey["ruleset"]> {
  const text = await outputOf(hands, ["nft", "-j", "list", "ruleset"]);
  try {
    const value: unknown = JSON.parse(text);
    return rowsOf(value);
  } catch {
    return undefined; // no rights, or no such kernel part: `blocked` says so
  }
}

function rowsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] | undefined {
  if (typeof value !== "object" || value === null || !("nftables" in value) || !Array.isArray(value.nftables))
    return undefined;
  return value.nftables.filter((row): row is Record<string, unknown> => typeof row === "object" && row !== null);
}

/** Only what the journal itself stamped as root's: anybody can write a line that looks like sshd's. */
export const SIGN_IN_LINES = ["_UID=0", "SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session"] as const;
const SIGN_IN_DAYS = 30;
const MAX_SOURCES = 16;

async function seenSignIns(hands: Hands): Promise<readonly string[]> {
  const since = `-${String(SIGN_IN_DAYS)}d`;
  const argv = ["journalctl", "-q", "-o", "cat", "-g", "^Accepted ", "--since", since, "-n", "500", ...SIGN_IN_LINES];
  const text = await outputOf(hands, argv);
  const found = new Set(
    text.split("\n").flatMap((line) => /^Accepted \S+ for \S+ from (\S+) port \d+/.exec(line)?.[1] ?? []),
  );
  return [...found].filter((address) => !/^127\.|^::1$/.test(address)).slice(0, MAX_SOURCES);
}

/** Local addresses and ports of `/proc/net`, which needs no program and no rights. */
async function publicListeners(hands: Hands): Promise<Survey["listening"]> {
  const text = await outputOf(hands, ["ss", "-Hltunp"]);
  const found = new Map<string, Survey["listening"][number]>();
  for (const line of text.split("\n")) {
    const [kind, , , , local = "", , who = ""] = line.trim().split(/\s+/);
    const cut = local.lastIndexOf(":");
    const [address, port] = [local.slice(0, cut), Number(local.slice(cut + 1))];
    if ((kind !== "tcp" && kind !== "udp") || !Number.isSafeInteger(port) || isLocal(address)) continue;
    const program = /"([^"]{1,15})"/.exec(who)?.[1] ?? "?";
    found.set(`${kind} ${String(port)}`, { port, protocol: kind, program });
  }
  return [...found.values()].toSorted((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

function isLocal(address: string): boolean {
  return /^127\.|^\[?::1\]?$|%lo$|^\[?::ffff:127\./.test(address);
}

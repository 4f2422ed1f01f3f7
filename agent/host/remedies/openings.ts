/** What the firewall lets in, each with its reason; and how ufw and a table of ours say so. */
import type { Deed, Setting } from "./remedy.ts";
import { chain, rulesText } from "./nft-file.ts";

export interface Opening {
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  /** One network; absent: from anywhere. */
  readonly from?: string;
  readonly reason: string;
}

const SSH = "SSH";
export const OWN_TABLE = "clawhold";
export const UFW_UNIT = "ufw.service";
export const UFW_CONF = "/etc/ufw/ufw.conf";
export const UFW_DEFAULTS = "/etc/default/ufw";
const ufwRuleFiles = ["/etc/ufw/user.rules", "/etc/ufw/user6.rules"] as const;
/** Whatever a command of ufw may write. */
const ufwFiles = [UFW_CONF, UFW_DEFAULTS, ...ufwRuleFiles] as const;

/** SSH on these ports, then what was asked for. `isNarrow`: SSH for administrators' addresses alone. */
export function openingsOf({ options }: Setting, ports: readonly number[], isNarrow: boolean): readonly Opening[] {
  const listed = options.sshFrom === "admins" ? (options.admins ?? []) : [];
  const ssh = ports.flatMap((port): readonly Opening[] => {
    const some = listed.map((from) => ({ port, protocol: "tcp" as const, from, reason: SSH }));
    return isNarrow && some.length > 0 ? some : [...some, { port, protocol: "tcp", reason: SSH }];
  });
  const others = (options.openings ?? []).map(({ port, protocol, from, reason }): Opening => ({
    port,
    protocol,
    reason,
    ...(from === undefined ? {} : { from }),
  }));
  return [...ssh, ...others];
}

export interface UfwTuple {
  readonly action: string;
  readonly protocol: string;
  readonly ports: string;
  readonly from: string;
  /** Somebody allowed an application by its name. */
  readonly isNamed: boolean;
}

/** As ufw writes its rules down: `### tuple ### allow tcp 22 0.0.0.0/0 any 203.0.113.0/24 in comment=6f`. */
export function ufwTuples(disk: Setting["survey"]["disk"]): readonly UfwTuple[] {
  return ufwRuleFiles.flatMap((path) =>
    (disk.text(path) ?? "").split("\n").flatMap((line) => {
      if (!line.startsWith("### tuple ### ")) return [];
      const words = line.slice("### tuple ### ".length).split(" ");
      const [action = "", protocol = "", ports = "", , , from = "", next = ""] = words;
      return [{ action: action.split("_")[0] ?? "", protocol, ports, from, isNamed: !/^in|^out/.test(next) }];
    }),
  );
}

const anywhere: readonly string[] = ["0.0.0.0/0", "::/0"];

export function hasRule(tuples: readonly UfwTuple[], { port, protocol, from }: Opening): boolean {
  return tuples.some(
    (one) =>
      (one.action === "allow" || one.action === "limit") &&
      one.ports === String(port) &&
      (one.protocol === protocol || one.protocol === "any") &&
      (from === undefined ? anywhere.includes(one.from) : one.from === from),
  );
}

export function ufwDeed(argv: readonly string[], why: string): Deed {
  return { argv, why, touches: [...ufwFiles, `/etc/systemd/system/multi-user.target.wants/${UFW_UNIT}`] };
}

export function allowDeed({ port, protocol, from = "any", reason }: Opening): Deed {
  const rule = ["proto", protocol, "from", from, "to", "any", "port", String(port), "comment", `clawhold: ${reason}`];
  return ufwDeed(["ufw", "allow", ...rule], `${String(port)}/${protocol} stays open: ${reason}`);
}

export interface Closing {
  readonly port: number;
  /** As it was made: allow or limit. */
  readonly action: string;
  /** One network; absent: the rule for everybody. */
  readonly from?: string;
  readonly why: string;
}

/** ufw says so and does nothing where there is no such rule. */
export function closeDeed({ port, action, from = "any", why }: Closing): Deed {
  return ufwDeed(["ufw", "delete", action, "proto", "tcp", "from", from, "to", "any", "port", String(port)], why);
}

export function ownTableText(openings: readonly Opening[]): string {
  const rules = openings.map(({ port, protocol, from, reason }) => {
    const source = from === undefined ? "" : `${from.includes(":") ? "ip6" : "ip"} saddr ${from} `;
    return `${source}${protocol} dport ${String(port)} accept comment "clawhold: ${reason}"`;
  });
  const chains = chain("input type filter hook input priority filter; policy drop;", [
    "ct state established,related accept",
    "ct state invalid drop",
    'iifname "lo" accept comment "clawhold: this machine itself"',
    'meta l4proto { icmp, icmpv6 } accept comment "clawhold: networks need it"',
    'udp sport 67 udp dport 68 accept comment "clawhold: address of this machine"',
    'ip6 saddr fe80::/10 udp dport 546 accept comment "clawhold: address of this machine"',
    ...rules,
  ]);
  return rulesText({ check: "fw.default-deny", table: OWN_TABLE, chains });
}

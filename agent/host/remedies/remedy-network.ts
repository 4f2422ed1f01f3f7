/**
 * Rules of our own beside the firewall: where the gateway's user may connect to, that it cannot ask the cloud for credentials, that
 * the gateway's port is this machine's alone, that nothing is passed on between networks; and the kernel's own settings.
 */
import type { CheckId } from "../../../protocol/posture.ts";
import { marked, whose } from "./marked.ts";
import { chain, rulesParts, rulesPath } from "./nft-file.ts";
import { blocked, nothing, type Part, type Remedy, type Setting } from "./remedy.ts";

/** Of the big clouds, IPv4 and IPv6 (Amazon's), and Alibaba's. */
const metadata = { ip: ["169.254.169.254", "100.100.100.200"], ip6: ["fd00:ec2::254"] } as const;
/** Networks that are not the internet: RFC 1918, 6598, 3927, 4193, 4291. */
const inside = {
  ip: ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
  ip6: ["fc00::/7", "fe80::/10"],
} as const;
const DNS_PORT = 53;
const EGRESS = "clawhold_egress";
/** The rule of those who named no addresses. */
const USUAL = "clawhold: providers and channels";

interface Rules {
  readonly check: CheckId;
  readonly table: string;
  readonly chains: readonly string[];
  readonly proof: string;
  readonly notes?: readonly string[];
}

function byRules({ survey }: Setting, { check, table, chains, proof, notes = [] }: Rules): Part {
  if (!survey.programs.has("nft")) return blocked("nft_absent", "The program nft is missing: apt-get install nftables");
  const unit = table.replace("clawhold_", "clawhold-");
  return { ...nothing, ...rulesParts({ check, table, unit, chains }), proof, notes };
}

/** Rules name a user: root cannot be told apart from the machine itself. */
function userOf({ survey }: Setting): number | Part {
  const { uid } = survey.gateway;
  if (uid === undefined) return blocked("gateway_not_found", "No gateway was found on this machine.");
  if (uid === 0) return blocked("gateway_is_root", "The gateway runs as root. Move it to a user of its own first.");
  const user = survey.gateway.user;
  return survey.ssh?.holders.some((holder) => holder.user === user) === true
    ? blocked(
        "gateway_shares_account",
        `The gateway runs as ${String(user)}, an account that a person signs in with. Move it to a user of its own first.`,
      )
    : uid;
}

const set = (members: readonly string[]): string => `{ ${members.join(", ")} }`;

const metadataBlocked: Remedy = (setting) => {
  const uid = userOf(setting);
  if (typeof uid !== "number") return uid;
  const rules = [
    `meta skuid ${String(uid)} ip daddr ${set(metadata.ip)} counter reject with icmpx admin-prohibited`,
    `meta skuid ${String(uid)} ip6 daddr ${set(metadata.ip6)} counter reject with icmpx admin-prohibited`,
  ];
  return byRules(setting, {
    check: "fw.metadata.blocked",
    table: "clawhold_metadata",
    chains: chain("output type filter hook output priority filter; policy accept;", rules),
    proof: "The kernel lists the rules; the next look tries it as the gateway's user.",
  });
};

const egress: Remedy = (setting) => {
  const uid = userOf(setting);
  if (typeof uid !== "number") return uid;
  const { options, survey } = setting;
  const present = survey.disk.text(rulesPath(EGRESS)) ?? "";
  // What somebody chose, and signed as a critical command, is not widened by a daily one that names nothing.
  if (options.egress === undefined && !setting.isProfile && whose(present) === "ours" && !present.includes(USUAL))
    return {
      ...nothing,
      proof: "A list of addresses is there already.",
      notes: [`${EGRESS}: the list stays as it is.`],
    };
  const resolvers = resolversOf(survey.disk.text("/etc/resolv.conf") ?? "");
  const listed = options.egress?.map(
    ({ to, port, reason }) =>
      `${familyOf(to)} daddr ${to} tcp dport ${String(port)} accept comment "clawhold: ${reason}"`,
  );
  const rules = [
    `meta skuid != ${String(uid)} accept`,
    'oifname "lo" accept',
    "ct state established,related accept",
    ...resolvers.map(
      (one) => `${familyOf(one)} daddr ${one} meta l4proto { tcp, udp } th dport ${String(DNS_PORT)} accept`,
    ),
    ...(listed ?? [
      `ip daddr ${set(inside.ip)} counter reject with icmpx admin-prohibited`,
      `ip6 daddr ${set(inside.ip6)} counter reject with icmpx admin-prohibited`,
      `tcp dport 443 accept comment "${USUAL}"`,
    ]),
    "counter reject with icmpx admin-prohibited",
  ];
  return byRules(setting, {
    check: "fw.egress.gateway",
    table: EGRESS,
    chains: chain("output type filter hook output priority filter; policy accept;", rules),
    proof: "The kernel lists the rules; the next look tries them as the gateway's user.",
    notes: [
      listed === undefined
        ? "The gateway's user reaches public addresses on port 443 alone. Name what else it needs under egress."
        : "The gateway's user reaches what is listed, and nothing else.",
    ],
  });
};

function familyOf(address: string): "ip" | "ip6" {
  return address.includes(":") ? "ip6" : "ip";
}

function resolversOf(text: string): readonly string[] {
  return [...text.matchAll(/^nameserver\s+([0-9A-Fa-f.:]+)\s*$/gm)]
    .flatMap(([, address]) => address ?? [])
    .filter((address) => !/^127\.|^::1$/.test(address))
    .slice(0, 4);
}

const loopbackGuard: Remedy = (setting) =>
  byRules(setting, {
    check: "gw.port.external",
    table: "clawhold_guard",
    chains: chain("prerouting type filter hook prerouting priority raw; policy accept;", [
      `iifname != "lo" tcp dport ${String(setting.survey.gateway.port)} counter drop comment "clawhold: the gateway is this machine's alone"`,
    ]),
    proof: "The kernel lists the rule; the next look tries the port on every address.",
    notes: ["Whatever the gateway binds to, only programs of this machine reach it."],
  });

/** For `all`, `default` and each interface: the kernel asks several of them at once, differently for each setting. */
const perInterface = {
  ipv4: {
    rp_filter: 1,
    accept_redirects: 0,
    secure_redirects: 0,
    send_redirects: 0,
    accept_source_route: 0,
    log_martians: 1,
  },
  ipv6: { accept_redirects: 0, accept_source_route: 0 },
} as const;
const whole = { "net.ipv4.tcp_syncookies": 1, "net.ipv4.icmp_echo_ignore_broadcasts": 1 } as const;

const sysctls: Remedy = ({ check, survey }) => {
  const now: string[] = Object.entries(whole).map(([key, value]) => `${key}=${String(value)}`);
  const lines: string[] = now.map((pair) => pair.replace("=", " = "));
  for (const [family, settings] of Object.entries(perInterface)) {
    const names = survey.disk.names(`/proc/sys/net/${family}/conf`);
    for (const [name, value] of Object.entries(settings)) {
      for (const one of ["all", "default", "*"]) lines.push(`net.${family}.conf.${one}.${name} = ${String(value)}`);
      // sysctl writes a slash for the dot of a VLAN's name.
      for (const one of names) now.push(`net.${family}.conf.${one.replaceAll(".", "/")}.${name}=${String(value)}`);
    }
  }
  const values = now.join(" ");
  return {
    ...nothing,
    desired: [
      { kind: "file", path: "/etc/sysctl.d/zz-clawhold-net.conf", text: marked(check, lines.join("\n")), mode: 0o644 },
    ],
    effects: [{ name: "sysctl", of: values }],
    proofs: [{ kind: "sysctl", values }],
    proof: "Each value is read from the kernel again.",
  };
};

export const networkRemedies = {
  "fw.metadata.blocked": metadataBlocked,
  "fw.egress.gateway": egress,
  "gw.port.external": loopbackGuard,
  "net.sysctl": sysctls,
} as const satisfies Readonly<Record<string, Remedy>>;

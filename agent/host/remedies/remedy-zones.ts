/**
 * The machine's networks kept apart. Without roles: nothing is passed on between them. With roles that somebody chose: a public network
 * (DMZ) reaches 80 and 443 where something serves there, an internal one what is listed, and SSH answers on the management
 * network alone, once somebody signed in over it. These rules only shut: the firewall still has to open.
 */
import { zoneLine, type Zone } from "../posture/collectors/network/zones.ts";
import { isInside, parseNetwork } from "../../../protocol/networks.ts";
import type { FixOptions } from "../../../protocol/posture/options.ts";
import { chain, rulesParts, rulesPath, type RuleFile } from "./nft-file.ts";
import { marked } from "./marked.ts";
import { blocked, nothing, type Part, type Remedy, type Setting } from "./remedy.ts";
import type { NetworkCard } from "./survey-interfaces.ts";

const TABLE = "clawhold_zones";
const WEB = [80, 443] as const;
const SYSCTLS = "/etc/sysctl.d/zz-clawhold-zones.conf";
/** Packets come in where their answer would go out, and an interface speaks of its own addresses alone. */
const perCard = { rp_filter: 1, arp_ignore: 1, arp_announce: 2 } as const;

export const segmentation: Remedy = (setting) => {
  const { options, survey } = setting;
  if (!survey.programs.has("nft")) return blocked("nft_absent", "The program nft is missing: apt-get install nftables");
  if ((options.zones ?? []).length > 0) return byRoles(setting);
  const names = survey.interfaces.map(({ name }) => name);
  if (names.length < 2) return blocked("one_network", "This machine is in one network only.");
  // What somebody chose, and signed as a critical command, is not loosened by a daily one that names nothing.
  if (/^# zone /m.test(survey.disk.text(rulesPath(TABLE)) ?? ""))
    return { ...nothing, proof: "Roles were given already.", notes: ["What each network lets in stays as it is."] };
  return {
    ...nothing,
    ...rulesParts(fileOf([apart(names)])),
    proof: "The kernel lists the rule.",
    notes: [
      `Kept apart: ${names.join(", ")}. What containers of this machine pass on is not touched.`,
      `Roles that it looks like: ${survey.interfaces.map(({ name, role }) => `${name} ${role}`).join(", ")}. Named under zones, each lets in only what its role needs.`,
    ],
  };
};

const quoted = (names: readonly string[]): string => `{ ${names.map((name) => `"${name}"`).join(", ")} }`;

function apart(names: readonly string[]): readonly string[] {
  const rule = `iifname ${quoted(names)} oifname ${quoted(names)} counter drop comment "clawhold: networks of this machine are kept apart"`;
  return chain("forward type filter hook forward priority filter - 10; policy accept;", [rule]);
}

function fileOf(chains: readonly (readonly string[])[]): RuleFile {
  return { check: "net.segmentation", table: TABLE, unit: "clawhold-zones", chains: chains.flat() };
}

function byRoles(setting: Setting): Part {
  const { survey, options } = setting;
  const zones = (options.zones ?? []).map((zone): Zone => ({ ...zone, lets: letsOf(setting, zone.role) }));
  const cards = zones.map((zone) => survey.interfaces.find(({ name }) => name === zone.interface));
  const missing = zones.find((_, index) => cards[index]?.isUp !== true);
  if (missing !== undefined || new Set(zones.map((zone) => zone.interface)).size !== zones.length)
    return blocked("no_interfaces", `${missing?.interface ?? "An interface"} is not up, or is named twice.`);
  if (zones.length < 2) return blocked("one_network", "Roles tell networks apart: name at least two interfaces.");
  if (!survey.hasSystemd) return blocked("no_systemd", "Without systemd nothing would take it back while you are out.");
  const managed = zones.some(({ role }) => role === "management");
  const from = managed ? wayIn(setting, zones, survey.interfaces) : [];
  if (managed && from.length === 0)
    return blocked(
      "no_management",
      "Nobody could prove that he reaches SSH over the management network: it has no address, or no administrator's address is in it.",
    );
  return partOf(setting, zones, from);
}

function partOf(setting: Setting, zones: readonly Zone[], from: readonly string[]): Part {
  const { survey, check } = setting;
  const isManaged = from.length > 0;
  const ports = [
    ...(survey.ssh?.ports ?? []),
    ...(setting.isProfile && survey.ssh !== undefined ? [survey.freePort] : []),
  ];
  const open = rulesParts(fileOf([apart(zones.map((zone) => zone.interface)), inbound(zones, ports)]));
  const shut = rulesParts(fileOf([apart(zones.map((zone) => zone.interface)), inbound(zones, isManaged ? [] : ports)]));
  const lines = (parts: typeof open) => withLines(parts.desired, zones);
  const present = survey.disk.text(rulesPath(TABLE));
  const isShut = lines(shut).some(
    (one) => one.kind === "file" && one.path === rulesPath(TABLE) && one.text === present,
  );
  const values = zones.flatMap((zone) =>
    Object.entries(perCard).map(([key, value]) => setOf(zone.interface, key, value)),
  );
  const text = marked(check, values.map((pair) => `-${pair.replace("=", " = ")}`).join("\n"));
  return {
    ...nothing,
    desired: [...lines(isShut ? shut : open), { kind: "file", path: SYSCTLS, text, mode: 0o644 }],
    effects: [...open.effects, { name: "sysctl", of: values.join(" ") }],
    proofs: [...open.proofs, { kind: "sysctl", values: values.join(" ") }],
    risk: "lockout",
    ...(isManaged && !isShut
      ? {
          closing: {
            ...nothing,
            desired: lines(shut).slice(0, 1),
            effects: open.effects.filter(({ name }) => name === "nft"),
          },
          closingProofs: open.proofs,
          waitsFor: { from },
        }
      : {}),
    proof: isManaged
      ? "The kernel lists the rules. SSH is shut elsewhere once somebody signed in over the management network, within ten minutes."
      : "The kernel lists the rules.",
    notes: notesOf(zones, survey.interfaces, from),
  };
}

const setOf = (name: string, key: string, value: number): string =>
  `net.ipv4.conf.${name.replaceAll(".", "/")}.${key}=${String(value)}`;

/** The judge of this machine's posture reads them there. */
function withLines(desired: ReturnType<typeof rulesParts>["desired"], zones: readonly Zone[]) {
  const comment = zones.map(zoneLine).join("\n");
  return desired.map((one) =>
    one.kind === "file" && one.path === rulesPath(TABLE)
      ? { ...one, text: marked("net.segmentation", `${comment}\n${one.text.slice(one.text.indexOf("\n") + 1)}`) }
      : one,
  );
}

/** An opening without a role is for every network; the management network is left to the firewall, because SSH's port may move. */
function letsOf({ survey, options }: Setting, role: Zone["role"]): readonly string[] | undefined {
  if (role === "management") return undefined;
  const listed = (options.openings ?? [])
    .filter((one) => one.role === undefined || one.role === role)
    .map(({ protocol, port }) => `${protocol}/${String(port)}`);
  const served = survey.listening.filter(({ protocol, port }) => protocol === "tcp" && WEB.some((web) => web === port));
  const web = role === "dmz" ? served.map(({ port }) => `tcp/${String(port)}`) : [];
  return [...new Set([...web, ...listed])].toSorted();
}

function inbound(zones: readonly Zone[], ssh: readonly number[]): readonly string[] {
  const shut = zones.filter(({ lets }) => lets !== undefined);
  if (shut.length === 0) return [];
  const names = quoted(shut.map((zone) => zone.interface));
  const openings = shut.flatMap((zone) =>
    (zone.lets ?? []).map((one) => {
      const [protocol = "tcp", port = ""] = one.split("/");
      return `iifname "${zone.interface}" ${protocol} dport ${port} accept comment "clawhold: ${zone.role}"`;
    }),
  );
  return chain("input type filter hook input priority filter - 10; policy accept;", [
    "ct state established,related accept",
    'meta l4proto { icmp, icmpv6 } accept comment "clawhold: networks need it"',
    'udp sport 67 udp dport 68 accept comment "clawhold: address of this machine"',
    'ip6 saddr fe80::/10 udp dport 546 accept comment "clawhold: address of this machine"',
    ...openings,
    ...[...new Set(ssh)].map((port) => `iifname ${names} tcp dport ${String(port)} accept comment "clawhold: SSH"`),
    `iifname ${names} counter drop comment "clawhold: not of this network's role"`,
  ]);
}

/** From where a sign-in counts: the management network's own neighbours; of those that are listed, if only the listed may come. */
function wayIn({ options }: Setting, zones: readonly Zone[], cards: readonly NetworkCard[]): readonly string[] {
  const managed = zones.filter(({ role }) => role === "management").map((zone) => zone.interface);
  const networks = cards.filter(({ name }) => managed.includes(name)).flatMap((card) => card.networks);
  return options.sshFrom === "admins" ? adminsIn(options, networks) : networks;
}

function adminsIn({ admins = [] }: FixOptions, networks: readonly string[]): readonly string[] {
  return admins.filter((admin) => {
    const one = parseNetwork(admin);
    return networks.some((text) => {
      const network = parseNetwork(text);
      return one !== undefined && network !== undefined && one.length >= network.length && isInside(one, network);
    });
  });
}

function notesOf(zones: readonly Zone[], cards: readonly NetworkCard[], from: readonly string[]): readonly string[] {
  const said = zones.map(({ interface: name, role, lets }) =>
    lets === undefined
      ? `${name} (${role}): SSH, and what the firewall lets in.`
      : `${name} (${role}): ${lets.length === 0 ? "nothing" : lets.join(", ")} comes in.`,
  );
  const others = cards.filter(({ name }) => !zones.some((zone) => zone.interface === name));
  return [
    ...said,
    "Nothing is passed on between these networks, by IPv4 or IPv6.",
    ...(from.length > 0
      ? [`SSH answers on the management network alone once somebody signed in from ${from.join(", ")}.`]
      : ["No network is for management, so SSH stays where it is."]),
    ...(others.length === 0 ? [] : [`No role was given to ${others.map(({ name }) => name).join(", ")}.`]),
  ];
}

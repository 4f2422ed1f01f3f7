/**
 * What comes in: ufw by its own commands where a machine has it, because people know it; else a table of our own, which is atomic
 * and can be deleted as one. What is in force is read from the kernel either way. SSH's present ports are always among the openings.
 */
import {
  allowDeed,
  closeDeed,
  hasRule,
  openingsOf,
  OWN_TABLE,
  ownTableText,
  UFW_CONF,
  UFW_DEFAULTS,
  UFW_UNIT,
  ufwDeed,
  ufwTuples,
} from "./openings.ts";
import { NFT_DIRECTORY } from "./effects.ts";
import { marked, whose } from "./marked.ts";
import { rulesParts, rulesPath } from "./nft-file.ts";
import { blocked, nothing, type Part, type Remedy, type Setting, type Stage } from "./remedy.ts";
import type { Survey } from "./survey.ts";

const PROOF =
  "From a network namespace beside the machine SSH answers through the firewall, and an unlisted port does not.";
const UNIT = "clawhold-firewall";
const WANTS = "multi-user.target.wants";

const drivesUfw = ({ programs }: Survey): boolean => programs.has("ufw") || !programs.has("nft");

/** Now, and the one that SSH is about to move to in the same transaction. */
function portsOf({ survey, options, isProfile }: Setting): readonly number[] {
  const now = survey.ssh?.ports ?? [];
  const next = newPort({ survey, options });
  return isProfile && next !== undefined && now.includes(22) ? [...now, next] : now;
}

export function newPort({ survey, options }: Pick<Setting, "survey" | "options">): number | undefined {
  return typeof options.sshPort === "number"
    ? options.sshPort
    : options.sshPort === undefined
      ? undefined
      : survey.freePort;
}

const defaultDeny: Remedy = (setting) => {
  const { survey, options } = setting;
  if (survey.isActive("firewalld.service"))
    return blocked("other_firewall", "firewalld runs here: use it, or remove it first. Two firewalls hide each other.");
  if (survey.ssh === undefined) return blocked("sshd_absent", "There is no SSH that could be kept open.");
  if (options.sshFrom === "admins" && (options.admins ?? []).length === 0)
    return blocked("no_admins", "SSH for administrators alone needs their addresses.");
  const part = drivesUfw(survey) ? byUfw(setting) : byTable(setting);
  if (part.blocked !== undefined) return part;
  const isNarrow = options.sshFrom === "admins";
  return {
    ...part,
    ...(isNarrow && part.closing !== undefined ? { waitsFor: { from: options.admins ?? [] } } : {}),
    proof: isNarrow ? `${PROOF} Then somebody signs in from a listed address within ten minutes.` : PROOF,
    notes: [...(part.notes ?? []), ...cutNotes(setting)],
  };
};

/** What answers now and will not: said before, so that nobody finds out by a customer. */
function cutNotes(setting: Setting): readonly string[] {
  const kept = new Set(openingsOf(setting, portsOf(setting), false).map(({ port }) => port));
  const cut = setting.survey.listening.filter(({ port }) => !kept.has(port));
  if (cut.length === 0) return [];
  const names = cut.map(({ port, protocol, program }) => `${String(port)}/${protocol} (${program})`).join(", ");
  return [`Closed unless you name it under openings: ${names}.`];
}

function byUfw(setting: Setting): Part {
  const { survey } = setting;
  const defaults = survey.disk.text(UFW_DEFAULTS) ?? "";
  if (/^\s*IPV6\s*=\s*"?no/im.test(defaults))
    return blocked("ufw_ipv6_off", `${UFW_DEFAULTS} has IPV6=no: ufw would leave IPv6 open. Set IPV6=yes by hand.`);
  const tuples = ufwTuples(survey.disk);
  const ports = portsOf(setting);
  const named = tuples.find(({ isNamed, ports: its }) => isNamed && ports.includes(Number(its)));
  const isNarrow = setting.options.sshFrom === "admins";
  if (isNarrow && named !== undefined)
    return blocked(
      "ufw_rule_by_hand",
      `ufw lets everybody reach port ${named.ports} by an application's name. Delete that rule by hand.`,
    );
  const narrowed = ports.filter((port) => isChosen(setting) && isForSome(tuples, port));
  const missing = openingsOf(setting, ports, isNarrow && isNarrowed(setting, tuples)).filter(
    (opening) => !hasRule(tuples, opening) && !(opening.from === undefined && narrowed.includes(opening.port)),
  );
  const isDenying = /^\s*DEFAULT_INPUT_POLICY\s*=\s*"?(?:DROP|REJECT)/im.test(defaults);
  const isOn = /^\s*ENABLED\s*=\s*"?yes/im.test(survey.disk.text(UFW_CONF) ?? "");
  const deeds = [
    ...missing.map(allowDeed),
    ...(isDenying ? [] : [ufwDeed(["ufw", "default", "deny", "incoming"], "what is not listed is dropped")]),
    ...(isOn ? [] : [ufwDeed(["ufw", "--force", "enable"], "the firewall starts now, and at every start")]),
    ...(isOn && !isInForce(survey)
      ? [ufwDeed(["ufw", "reload"], "its rules are not in the kernel: loaded again")]
      : []),
  ];
  return {
    ...nothing,
    packages: survey.programs.has("ufw") ? [] : ["ufw"],
    deeds,
    effects: [{ name: "ufw", of: "" }],
    proofs: [{ kind: "outside", ssh: ports.filter((port) => !narrowed.includes(port)), isClosed: true }],
    proof: PROOF,
    ...(isNarrow && !isNarrowed(setting, tuples) ? { closing: narrowing(ports) } : {}),
  };
}

/**
 * Nothing is named, so what somebody chose before stays: a daily command must not open to everybody what a critical one narrowed.
 */
function isChosen({ options, isProfile }: Setting): boolean {
  return !isProfile && options.sshFrom === undefined && options.openings === undefined;
}

/** Some reach it, and not everybody. */
function isForSome(tuples: ReturnType<typeof ufwTuples>, port: number): boolean {
  const allowed = tuples.some(({ action, ports }) => ["allow", "limit"].includes(action) && ports === String(port));
  return allowed && !hasRule(tuples, { port, protocol: "tcp", reason: "" });
}

/** Every listed address reaches SSH, and nobody else does. */
function isNarrowed(setting: Setting, tuples: ReturnType<typeof ufwTuples>): boolean {
  const ports = portsOf(setting);
  const isOpen = ports.some((port) => hasRule(tuples, { port, protocol: "tcp", reason: "" }));
  return !isOpen && openingsOf(setting, ports, true).every((opening) => hasRule(tuples, opening));
}

function narrowing(ports: readonly number[]): Stage {
  return {
    ...nothing,
    deeds: ports.map((port) => closeDeed({ port, action: "allow", why: "SSH answers listed addresses alone" })),
  };
}

/** Both of iptables' input chains drop: what ufw says about itself is no evidence. */
function isInForce({ ruleset }: Survey): boolean {
  return ["ip", "ip6"].every((family) => (ruleset ?? []).some(({ chain }) => isDroppingInput(chain, family)));
}

function isDroppingInput(chain: unknown, family: string): boolean {
  if (typeof chain !== "object" || chain === null) return false;
  const fields = new Map(Object.entries(chain));
  return fields.get("family") === family && fields.get("hook") === "input" && fields.get("policy") === "drop";
}

/** A person's own ruleset that drops already is left to him. */
function hasOwnRules({ ruleset }: Survey): boolean {
  return (ruleset ?? []).some(({ chain }) => {
    const isOurs = typeof chain === "object" && chain !== null && "table" in chain && chain.table === OWN_TABLE;
    return !isOurs && ["inet", "ip"].some((family) => isDroppingInput(chain, family));
  });
}

function byTable(setting: Setting): Part {
  const { survey } = setting;
  if (hasOwnRules(survey))
    return blocked("own_rules", "Rules that are not of Clawhold drop already what is not listed. They are left alone.");
  const present = survey.disk.text(rulesPath(OWN_TABLE)) ?? "";
  if (isChosen(setting) && whose(present) === "ours")
    return { ...nothing, proof: "The table is there already.", notes: ["What it lets in stays as it is."] };
  const ports = portsOf(setting);
  const file = { check: "fw.default-deny", table: OWN_TABLE, unit: UNIT, chains: [] };
  const parts = rulesParts(file);
  const withText = (isNarrow: boolean) =>
    parts.desired.map((one) =>
      one.path === rulesPath(OWN_TABLE) && one.kind === "file"
        ? { ...one, text: ownTableText(openingsOf(setting, ports, isNarrow)) }
        : one,
    );
  const isNarrow = setting.options.sshFrom === "admins";
  const narrow = ownTableText(openingsOf(setting, ports, true));
  const isNarrowNow = isNarrow && survey.disk.text(rulesPath(OWN_TABLE)) === narrow;
  const effects = parts.effects.filter(({ name }) => name === "nft");
  return {
    ...nothing,
    ...parts,
    desired: withText(isNarrowNow),
    proofs: [...parts.proofs, { kind: "outside", ssh: ports, isClosed: true }],
    proof: PROOF,
    ...(isNarrow && !isNarrowNow ? { closing: { ...nothing, desired: withText(true).slice(0, 1), effects } } : {}),
  };
}

const persistent: Remedy = ({ survey }) => {
  const unit = drivesUfw(survey) ? UFW_UNIT : "nftables.service";
  if (survey.isEnabled(unit)) return { ...nothing, proof: "It starts with the machine already." };
  const isLoaded = /^\s*ENABLED\s*=\s*"?yes/im.test(survey.disk.text(UFW_CONF) ?? "");
  if (unit === UFW_UNIT && !isLoaded)
    return blocked("firewall_off", "There is no firewall yet: mend fw.default-deny first.");
  const target = ["/usr/lib/systemd/system", "/lib/systemd/system"].find(
    (place) => survey.disk.state(`${place}/${unit}`).kind === "file",
  );
  if (target === undefined) return blocked("no_unit", `systemd knows no ${unit}.`);
  return {
    ...nothing,
    // Not `systemctl enable`: Debian's then also writes links for another init.
    desired: [{ kind: "link", path: `/etc/systemd/system/${WANTS}/${unit}`, target: `${target}/${unit}` }],
    effects: [{ name: "units", of: "" }],
    proofs: [{ kind: "enabled", unit }],
    proof: "systemd says that it is enabled.",
  };
};

/** Everything of ours, and ufw's, is loaded anew. Rules that somebody added beside it stay: then the proof fails, and says so. */
const reloaded: Remedy = ({ survey }) => {
  const { now, approved } = survey.rules;
  if (approved === undefined)
    return blocked("not_approved", "No rules were approved on this machine yet: mend fw.default-deny first.");
  if (now === approved) return { ...nothing, proof: "The rules in the kernel are the approved ones." };
  const isOn = /^\s*ENABLED\s*=\s*"?yes/im.test(survey.disk.text(UFW_CONF) ?? "");
  const tables = survey.disk.names(NFT_DIRECTORY).filter((name) => /^clawhold[a-z_]*\.nft$/.test(name));
  return {
    ...nothing,
    deeds: [
      ...tables.map((name) => ({
        argv: ["nft", "-f", `${NFT_DIRECTORY}/${name}`],
        why: "rules of Clawhold are loaded again",
        touches: [],
      })),
      ...(isOn ? [ufwDeed(["ufw", "reload"], "ufw's rules are loaded again")] : []),
    ],
    proofs: [
      { kind: "approved", digest: approved },
      { kind: "outside", ssh: survey.ssh?.ports ?? [], isClosed: true },
    ],
    proof: "The rules in the kernel are the approved ones again, and SSH answers through them.",
    notes: ["Rules that somebody added beside them are not removed: delete them by hand, then try again."],
  };
};

/** How SSH's next port is opened beside the old one, and the old one closed afterwards. */
export function sshOpenings(
  setting: Setting,
  next: number,
  old: readonly number[],
): { readonly open: Stage; readonly close: Stage } {
  const { survey } = setting;
  const own = rulesPath(OWN_TABLE);
  const present = survey.disk.text(own);
  if (present !== undefined) return byText(own, present, { next, old });
  const isOn = /^\s*ENABLED\s*=\s*"?yes/im.test(survey.disk.text(UFW_CONF) ?? "");
  if (drivesUfw(survey))
    return isOn || setting.isProfile ? byRules(setting, next, old) : { open: nothing, close: nothing };
  if (!setting.isProfile) return { open: nothing, close: nothing };
  // The same transaction makes the table, with both ports.
  const text = ownTableText(openingsOf(setting, [next], setting.options.sshFrom === "admins"));
  return { open: nothing, close: tableStage(own, text) };
}

function byRules(
  setting: Setting,
  next: number,
  old: readonly number[],
): { readonly open: Stage; readonly close: Stage } {
  const tuples = ufwTuples(setting.survey.disk);
  const missing = openingsOf(setting, [next], false).filter((one) => one.port === next && !hasRule(tuples, one));
  const listed = setting.options.sshFrom === "admins" ? (setting.options.admins ?? []) : [];
  const actions = (port: number): string =>
    tuples.find(({ ports, isNamed }) => ports === String(port) && !isNamed)?.action ?? "allow";
  return {
    open: { ...nothing, deeds: missing.map(allowDeed) },
    close: {
      ...nothing,
      deeds: old.flatMap((port) => [
        ...listed.map((from) => closeDeed({ port, action: "allow", from, why: WHY_CLOSED })),
        closeDeed({ port, action: actions(port), why: WHY_CLOSED }),
      ]),
    },
  };
}

const WHY_CLOSED = "SSH is not there any more";

const sshLine = (port: number): string => `    tcp dport ${String(port)} accept comment "clawhold: SSH"`;

function byText(
  path: string,
  present: string,
  { next, old }: { readonly next: number; readonly old: readonly number[] },
): { readonly open: Stage; readonly close: Stage } {
  const body = present.split("\n").slice(1);
  const at = body.findIndex((line) => old.some((port) => line === sshLine(port)));
  const place = at < 0 ? body.findLastIndex((line) => line.startsWith("    ")) + 1 : at;
  const opened = body.toSpliced(place, 0, sshLine(next));
  const closed = opened.filter((line) => !old.some((port) => line === sshLine(port)));
  return {
    open: tableStage(path, marked("fw.default-deny", opened.join("\n"))),
    close: tableStage(path, marked("fw.default-deny", closed.join("\n"))),
  };
}

function tableStage(path: string, text: string): Stage {
  return { desired: [{ kind: "file", path, text, mode: 0o644 }], deeds: [], effects: [{ name: "nft", of: OWN_TABLE }] };
}

/** Whether nothing listens there. */
export function isSshFree({ listening }: Survey, port: number): boolean {
  return !listening.some((one) => one.protocol === "tcp" && one.port === port);
}

export const firewallRemedies = {
  "fw.default-deny": defaultDeny,
  "fw.drift": reloaded,
  "fw.boot-persistent": persistent,
} as const satisfies Readonly<Record<string, Remedy>>;

/**
 * SSH, by drop-ins alone: sshd takes the first value that it reads, so ours are read first; and because a `Match` block overrules
 * what stands outside of one, each says the same again for everybody. One file a check, so that each is taken back by itself.
 */
import { sshLimits } from "../posture/checks/ssh/settings.ts";
import { marked } from "./marked.ts";
import type { Proof } from "./proofs.ts";
import { blocked, nothing, type Desired, type Part, type Remedy, type Setting } from "./remedy.ts";
import { DROP_IN_DIRECTORY, type Line, type SshSurvey } from "./survey-ssh.ts";
import { isSshFree, sshOpenings } from "./remedy-firewall.ts";

interface Wanted {
  /** Keyword to value, as people write them. */
  readonly settings: Readonly<Record<string, string>>;
  /** Those of them that sshd takes inside a `Match`. */
  readonly anywhere: readonly string[];
}

const PASSWORDS: Wanted = {
  settings: { PasswordAuthentication: "no", PermitEmptyPasswords: "no", HostbasedAuthentication: "no" },
  anywhere: ["PasswordAuthentication", "PermitEmptyPasswords", "HostbasedAuthentication"],
};
const INTERACTIVE: Wanted = {
  settings: { KbdInteractiveAuthentication: "no" },
  anywhere: ["KbdInteractiveAuthentication"],
};
const ROOT: Wanted = { settings: { PermitRootLogin: "no" }, anywhere: ["PermitRootLogin"] };
const FORWARDING: Wanted = {
  settings: {
    AllowAgentForwarding: "no",
    AllowTcpForwarding: "no",
    AllowStreamLocalForwarding: "no",
    X11Forwarding: "no",
    PermitTunnel: "no",
    GatewayPorts: "no",
  },
  anywhere: [
    "AllowAgentForwarding",
    "AllowTcpForwarding",
    "AllowStreamLocalForwarding",
    "X11Forwarding",
    "PermitTunnel",
    "GatewayPorts",
  ],
};

export function dropInPath(check: string): string {
  return `${DROP_IN_DIRECTORY}/00-clawhold-${check.replace(/^ssh\./, "").replaceAll(".", "-")}.conf`;
}

function dropIn(check: string, { settings, anywhere }: Wanted): Desired {
  const all = Object.entries(settings).map(([key, value]) => `${key} ${value}`);
  const again = anywhere.map((key) => `  ${key} ${settings[key] ?? ""}`);
  const lines = again.length === 0 ? all : [...all, "Match all", ...again];
  return { kind: "file", path: dropInPath(check), text: marked(check, lines.join("\n")), mode: 0o644 };
}

const reload = { name: "sshd", of: "" } as const;

/** Why no drop-in of ours would count, with the line to change by hand. */
function hindrance({ hasInclude, earlier }: SshSurvey, keywords: readonly string[]): Part | undefined {
  if (!hasInclude)
    return blocked(
      "sshd_no_include",
      `sshd does not read ${DROP_IN_DIRECTORY}. Add this as the first line of /etc/ssh/sshd_config: Include ${DROP_IN_DIRECTORY}/*.conf`,
    );
  const lower = keywords.map((keyword) => keyword.toLowerCase());
  const line = earlier.find(({ text }) => {
    const word = text.split(/[\s=]/)[0]?.toLowerCase() ?? "";
    return word === "match" || lower.includes(word);
  });
  return line === undefined
    ? undefined
    : blocked("sshd_earlier_line", `${placeOf(line)} is read before any file of Clawhold: move or remove it by hand.`);
}

function placeOf({ file, number, text }: Line): string {
  return `Line ${String(number)} of ${file} ("${text.slice(0, 80)}")`;
}

/** Every holder of a key, root, and somebody whom the machine does not know, from here and from an address out there. */
function saysFor({ holders }: SshSurvey, settings: Readonly<Record<string, string>>): readonly Proof[] {
  const wanted = Object.fromEntries(compared(settings).map(([key, value]) => [key.toLowerCase(), value]));
  const users = [...new Set([...holders.slice(0, 4).map(({ user }) => user), "root", "nobody"])];
  return users.flatMap((user) =>
    ["127.0.0.1", "203.0.113.1"].map((from) => ({ kind: "sshd-says", user, from, settings: wanted }) as const),
  );
}

function settingsPart({ check, survey }: Setting, wanted: Wanted): Part {
  const ssh = survey.ssh;
  if (ssh === undefined) return blocked("sshd_absent");
  const why = hindrance(ssh, Object.keys(wanted.settings));
  if (why !== undefined) return why;
  if (isSoAlready(ssh, wanted) && survey.disk.state(dropInPath(check)).kind === "absent")
    return { ...nothing, proof: "sshd is set so already." };
  const overruled = wanted.anywhere.length === 0 ? [] : ssh.matches;
  return {
    ...nothing,
    desired: [dropIn(check, wanted)],
    effects: [reload],
    proofs: [...saysFor(ssh, wanted.settings), { kind: "ssh-answers", ports: ssh.ports, silent: [] }],
    proof: "sshd says so for every user with a key, and answers on each of its addresses with an offer to take a key.",
    notes: overruled.map((line) => `${placeOf(line)} no longer changes these settings.`),
  };
}

/** sshd spells penalties out with all their defaults. */
function compared(settings: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(settings).filter(([key]) => !key.startsWith("PerSourcePenal"));
}

/** By somebody else's lines, and for everybody. */
function isSoAlready({ settings: now, matches }: SshSurvey, { settings }: Wanted): boolean {
  if (matches.length > 0) return false;
  return compared(settings).every(([key, value]) => now.get(key.toLowerCase()) === value);
}

/** Nobody's only way in may be taken: somebody must hold a key, and be able to become root. */
function withoutKeys({ holders }: SshSurvey): Part | undefined {
  if (holders.some(({ canBecomeRoot }) => canBecomeRoot)) return undefined;
  return blocked(
    "no_key",
    "No user who can become root has a key that sshd would take. Put yours into ~/.ssh/authorized_keys first, and sign in with it once.",
  );
}

const byKey =
  (wanted: Wanted): Remedy =>
  (setting) =>
    (setting.survey.ssh === undefined ? undefined : withoutKeys(setting.survey.ssh)) ?? settingsPart(setting, wanted);

const rootLogin: Remedy = (setting) => {
  const holders = setting.survey.ssh?.holders ?? [];
  if (setting.survey.ssh !== undefined && !holders.some(({ user, canBecomeRoot }) => user !== "root" && canBecomeRoot))
    return blocked(
      "only_root_has_key",
      "Root is the only one who has a key and all rights. Make a user with a key who may use sudo, sign in as that user once, then try again.",
    );
  return settingsPart(setting, ROOT);
};

const MIN_PENALTIES = 9.8;

const limits: Remedy = (setting) => {
  const { survey, options } = setting;
  const exempt = ["127.0.0.0/8", "::1", ...survey.addresses, ...(options.admins ?? [])].join(",");
  const penalties: Readonly<Record<string, string>> =
    (survey.ssh?.version ?? 0) >= MIN_PENALTIES
      ? { PerSourcePenalties: "yes", PerSourcePenaltyExemptList: exempt }
      : {};
  return settingsPart(setting, {
    settings: {
      MaxAuthTries: String(sshLimits.maxAuthTries),
      LoginGraceTime: String(sshLimits.loginGraceSeconds),
      MaxStartups: `${String(sshLimits.maxStartupsBegin)}:30:${String(sshLimits.maxStartupsFull)}`,
      PerSourceMaxStartups: "8",
      ...penalties,
    },
    anywhere: ["MaxAuthTries"],
  });
};

/** What both sides of today agree on; names that this version of sshd does not know would stop it from starting. */
const algorithms = {
  KexAlgorithms: [
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
  ],
  Ciphers: ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr"],
  MACs: ["hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "umac-128-etm@openssh.com"],
  HostKeyAlgorithms: ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"],
} as const;

/** The first version that has them. */
const since: Readonly<Record<string, number>> = { "mlkem768x25519-sha256": 9.9, "sntrup761x25519-sha512": 9.9 };

const crypto: Remedy = (setting) => {
  const version = setting.survey.ssh?.version ?? 0;
  const known = (names: readonly string[]): string => names.filter((name) => version >= (since[name] ?? 0)).join(",");
  const settings = Object.fromEntries(Object.entries(algorithms).map(([key, names]) => [key, known(names)]));
  const part = settingsPart(setting, { settings, anywhere: [] });
  return { ...part, notes: [...(part.notes ?? []), "Clients older than OpenSSH 6.5 (2014) cannot connect any more."] };
};

const KEPT = "The list of who may sign in stays as it is. Name users to choose another one.";

/** Names on the list that counts now; undefined: there is none. */
function listed(ssh: SshSurvey | undefined): readonly string[] | undefined {
  return ssh?.settings
    .get("allowusers")
    ?.split(" ")
    .map((one) => one.split("@")[0] ?? "");
}

const allowList: Remedy = (setting) => {
  const { survey, options } = setting;
  const holders = survey.ssh?.holders ?? [];
  // The same transaction takes root out, or is not done at all.
  const rootMayCome = !setting.isProfile && survey.ssh?.settings.get("permitrootlogin") !== "no";
  const able = holders.filter(({ user }) => user !== "root" || rootMayCome);
  const kept = setting.isProfile || options.sshUsers !== undefined ? undefined : listed(survey.ssh);
  const users = options.sshUsers ?? kept ?? able.map(({ user }) => user);
  const ways = able.filter(({ user, canBecomeRoot }) => canBecomeRoot && users.includes(user));
  if (survey.ssh !== undefined && ways.length === 0)
    return blocked("no_key", "Nobody on that list has a key and can become root: the list would shut everybody out.");
  // Whoever has a key by now does not come onto it unasked.
  if (kept !== undefined) return { ...nothing, proof: "sshd has a list already.", notes: [KEPT] };
  const part = settingsPart(setting, {
    settings: { AllowUsers: users.toSorted().join(" ") },
    anywhere: ["AllowUsers"],
  });
  // What sshd prints of a list is one line for each name: its answer is proof enough.
  const proofs = part.proofs.filter(({ kind }) => kind !== "sshd-says");
  return { ...part, proofs, notes: [...(part.notes ?? []), `May sign in: ${users.toSorted().join(", ")}.`] };
};

const SOCKET_DROP_IN = "/etc/systemd/system/ssh.socket.d/zz-clawhold-port.conf";

/** Both ports are open until somebody came in over the new one; then the old one is closed, in sshd and in the firewall. */
const port: Remedy = (setting) => {
  const { check, survey, options } = setting;
  const { ssh } = survey;
  if (ssh === undefined) return blocked("sshd_absent");
  const chosen = typeof options.sshPort === "number" ? options.sshPort : survey.freePort;
  const hasMoved = !ssh.ports.includes(22) && (typeof options.sshPort !== "number" || ssh.ports.includes(chosen));
  if (hasMoved) return { ...nothing, proof: "SSH is on another port already." };
  const why = hindrance(ssh, ["Port"]);
  if (why !== undefined) return why;
  const line = ssh.listenLines[0];
  if (line !== undefined)
    return blocked("sshd_port_by_hand", `${placeOf(line)} says where SSH listens. Remove it by hand, then try again.`);
  if (!isSshFree(survey, chosen)) return blocked("port_taken", `Port ${String(chosen)} is used by something else.`);
  const firewall = sshOpenings(setting, chosen, ssh.ports);
  const bySocket = survey.isActive("ssh.socket");
  const listening = (ports: readonly number[]): readonly Desired[] => [
    dropIn(check, portSettings(ports)),
    ...(bySocket ? [socketDropIn(ports)] : []),
  ];
  const effects = [bySocket ? ({ name: "ssh-socket", of: "" } as const) : reload];
  const both = [...ssh.ports, chosen];
  return {
    ...nothing,
    desired: [...listening(both), ...firewall.open.desired],
    deeds: firewall.open.deeds,
    effects: [...firewall.open.effects, ...effects],
    proofs: [{ kind: "ssh-answers", ports: both, silent: [] }],
    proof: `Somebody signs in on port ${String(chosen)} from another machine within ten minutes; both ports are open until then.`,
    waitsFor: { port: chosen },
    closing: {
      desired: [...listening([chosen]), ...firewall.close.desired],
      deeds: firewall.close.deeds,
      effects: [...firewall.close.effects, ...effects],
    },
    closingProofs: [{ kind: "ssh-answers", ports: [chosen], silent: ssh.ports }],
    notes: [
      `SSH's new port is ${String(chosen)}. Afterwards: ssh -p ${String(chosen)} <user>@<machine>`,
      "If your provider has a firewall of its own, open the new port there first.",
    ],
  };
};

/** VERBOSE: only so does sshd tell to which port somebody came. */
function portSettings(ports: readonly number[]): Wanted {
  const last = ports.at(-1) ?? 22;
  const lines = [...ports.slice(0, -1).map(String), String(last)].join("\nPort ");
  return { settings: { LogLevel: "VERBOSE", Port: lines }, anywhere: [] };
}

function socketDropIn(ports: readonly number[]): Desired {
  const lines = ports.map((one) => `ListenStream=${String(one)}`);
  const text = marked("ssh.port.nonstandard", ["[Socket]", "ListenStream=", ...lines].join("\n"));
  return { kind: "file", path: SOCKET_DROP_IN, text, mode: 0o644 };
}

const HOST_KEY = /^ssh_host_[a-z0-9]+_key$/;

const hostKeys: Remedy = ({ survey }) => ({
  ...nothing,
  desired: survey.disk
    .names("/etc/ssh")
    .filter((name) => HOST_KEY.test(name))
    .map((name) => ({ kind: "mode", path: `/etc/ssh/${name}`, mode: 0o600 })),
  proof: "Their modes are read again.",
  notes: ["A weak key is not replaced: everybody who knows this machine would be warned of a stranger."],
});

export const sshRemedies = {
  "ssh.password-auth": byKey(PASSWORDS),
  "ssh.kbdint": byKey(INTERACTIVE),
  "ssh.root-login": rootLogin,
  "ssh.port.nonstandard": port,
  "ssh.auth.limits": limits,
  "ssh.crypto": crypto,
  "ssh.forwarding": (setting) => settingsPart(setting, FORWARDING),
  "ssh.allowlist": allowList,
  "ssh.hostkeys": hostKeys,
} as const satisfies Readonly<Record<string, Remedy>>;

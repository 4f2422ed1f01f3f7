/** The gateway's user and files, accounts without a password, the system's log, and updates that come by themselves. */
import { marked } from "./marked.ts";
import { blocked, nothing, type Deed, type Desired, type Remedy } from "./remedy.ts";

/** Each of them is root by another name, or reads what root reads. */
const powerful = ["sudo", "wheel", "admin", "docker", "lxd", "libvirt", "disk", "shadow", "adm", "kvm"] as const;

const noSudo: Remedy = ({ survey }) => {
  const { user, uid } = survey.gateway;
  if (user === undefined || uid === undefined)
    return blocked("gateway_not_found", "No gateway was found on this machine.");
  if (uid === 0) return blocked("gateway_is_root", "The gateway runs as root. Move it to a user of its own first.");
  if (survey.ssh?.holders.some((holder) => holder.user === user) === true)
    return blocked(
      "gateway_shares_account",
      `The gateway runs as ${user}, an account that a person signs in with. Move it to a user of its own first.`,
    );
  const deeds = groupsOf(survey.disk.text("/etc/group") ?? "", user).map((group): Deed => ({
    argv: ["gpasswd", "-d", user, group],
    why: `${user} leaves ${group}; a gateway that runs keeps its groups until it is restarted`,
    touches: ["/etc/group", "/etc/gshadow", "/etc/group-", "/etc/gshadow-"],
    undo: ["gpasswd", "-a", user, group],
  }));
  return {
    ...nothing,
    deeds,
    proofs: deeds.length === 0 ? [] : [{ kind: "no-sudo", user }],
    proof: "sudo says that the user may run nothing as somebody else.",
    notes: [
      "A rule in /etc/sudoers that names the user is not touched: the proof then fails, and all of it is taken back.",
    ],
  };
};

function groupsOf(text: string, user: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , , members = ""] = line.split(":");
    return powerful.some((one) => one === name) && members.split(",").includes(user) ? [name] : [];
  });
}

const emptyPasswords: Remedy = ({ survey }) => {
  const users = (survey.disk.text("/etc/shadow") ?? "").split("\n").flatMap((line) => {
    const [name = "", hash] = line.split(":");
    return hash === "" && /^[a-z_][a-z0-9_-]{0,31}$/.test(name) ? [name] : [];
  });
  return {
    ...nothing,
    deeds: users.map((user) => ({
      argv: ["passwd", "-l", user],
      why: `nobody signs in as ${user} without a password any more`,
      touches: ["/etc/shadow", "/etc/shadow-"],
    })),
    proofs: users.map((user) => ({ kind: "locked", user }) as const),
    proof: "passwd says that the accounts are locked.",
  };
};

/** What a gateway keeps beside its configuration; the plan stays readable. */
const MAX_MODES = 40;

const statePermissions: Remedy = ({ survey }) => {
  const { home } = survey.gateway;
  const state = `${home ?? ""}/.openclaw`;
  if (home === undefined || survey.disk.state(state).kind !== "directory")
    return blocked("gateway_not_found", "No state directory of a gateway was found.");
  const below = survey.disk.names(state).flatMap((name): readonly Desired[] => {
    const path = `${state}/${name}`;
    const { kind } = survey.disk.state(path);
    if (kind !== "file" && kind !== "directory") return [];
    return [{ kind: "mode", path, mode: kind === "file" ? 0o600 : 0o700 }];
  });
  return {
    ...nothing,
    desired: [{ kind: "mode", path: state, mode: 0o700 }, ...below.slice(0, MAX_MODES)],
    proof: "Their modes are read again at the next look.",
  };
};

const JOURNALD = "/etc/systemd/journald.conf.d";

function journal(name: string, lines: readonly string[], proof: string): Remedy {
  return ({ check, survey }) =>
    survey.hasSystemd
      ? {
          ...nothing,
          desired: [
            {
              kind: "file",
              path: `${JOURNALD}/zz-clawhold-${name}.conf`,
              text: marked(check, ["[Journal]", ...lines].join("\n")),
              mode: 0o644,
            },
          ],
          effects: [{ name: "journald", of: "" }],
          proofs: [{ kind: "service", unit: "systemd-journald.service" }],
          proof,
        }
      : blocked("no_systemd", "There is no systemd whose log could be kept.");
}

const timeServices = ["/usr/lib/systemd/systemd-timesyncd", "/usr/sbin/chronyd", "/usr/sbin/ntpd"] as const;
const persistent = journal(
  "auditable",
  ["Storage=persistent", "Seal=yes"],
  "The log's service runs with its new settings.",
);

/** A package for the clock is the owner's choice: in many machines the host below sets it. */
const auditable: Remedy = (setting) => {
  const part = persistent(setting);
  const hasClock = timeServices.some((path) => setting.survey.disk.state(path).kind !== "absent");
  const note = "No time service sets the clock, so the check stays open: apt-get install systemd-timesyncd";
  return hasClock ? part : { ...part, notes: [...(part.notes ?? []), note] };
};

const UPGRADES = "/etc/apt/apt.conf.d/zz-clawhold-updates";

const updates: Remedy = ({ check, survey }) => {
  if (!survey.programs.has("apt-get")) return blocked("no_apt", "This system has no apt.");
  const isThere = survey.disk.state("/usr/bin/unattended-upgrade").kind !== "absent";
  const lines = ['APT::Periodic::Update-Package-Lists "1";', 'APT::Periodic::Unattended-Upgrade "1";'];
  const timers = ["apt-daily.timer", "apt-daily-upgrade.timer"];
  return {
    ...nothing,
    packages: isThere ? [] : ["unattended-upgrades"],
    desired: [{ kind: "file", path: UPGRADES, text: marked(check, lines.join("\n")), mode: 0o644 }],
    deeds: survey.hasSystemd
      ? timers
          .filter((timer) => survey.disk.state(`/etc/systemd/system/timers.target.wants/${timer}`).kind === "absent")
          .map((timer) => ({
            argv: ["systemctl", "enable", "--now", timer],
            why: "updates are looked for every day",
            touches: [`/etc/systemd/system/timers.target.wants/${timer}`],
          }))
      : [],
    proof: "The settings are read by the next run, which the next look asks for.",
    notes: ["Updates that wait already are installed by the next run, within a day."],
  };
};

export const systemRemedies = {
  "usr.no-sudo": noSudo,
  "usr.empty-pw": emptyPasswords,
  "gw.state.perms": statePermissions,
  "log.auditable": auditable,
  "log.retention": journal(
    "retention",
    ["MaxRetentionSec=1year", "SystemKeepFree=1G"],
    "The log's service runs with its new settings.",
  ),
  "patch.auto": updates,
} as const satisfies Readonly<Record<string, Remedy>>;

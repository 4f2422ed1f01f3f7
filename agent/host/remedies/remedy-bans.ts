/**
 * Who tries too often is shut out: fail2ban, reading the system's journal (Debian 12 has no log file without rsyslog), without asking
 * a resolver who we are (a silent one blinds it at its start), and with the longer bans for whoever comes back.
 */
import { marked } from "./marked.ts";
import { blocked, nothing, type Desired, type Part, type Remedy, type Setting } from "./remedy.ts";

const JAILS = "/etc/fail2ban/jail.d";
const MAX_BAN_DAYS = 35;
const PYTHON_JOURNAL = "/usr/lib/python3/dist-packages/systemd";
/** Only what the journal stamped as root's: anybody on the machine could otherwise have others banned. */
const JOURNAL = "_UID=0 SYSLOG_IDENTIFIER=sshd + _UID=0 SYSLOG_IDENTIFIER=sshd-session";

function jail(name: string, check: string, lines: readonly string[]): Desired {
  return {
    kind: "file",
    path: `${JAILS}/zz-clawhold-${name}.local`,
    text: marked(check, lines.join("\n")),
    mode: 0o644,
  };
}

function ignored({ survey, options }: Setting): readonly string[] {
  const own = survey.addresses;
  const list = ["127.0.0.0/8", "::1", ...own, ...(options.admins ?? [])];
  return ["ignoreself = false", `ignoreip = ${[...new Set(list)].join(" ")}`];
}

function bans(setting: Setting, desired: readonly Desired[], jails: readonly string[]): Part {
  const { survey } = setting;
  if (!survey.hasSystemd)
    return blocked("no_systemd", "The ban service reads systemd's journal, and there is no systemd.");
  const isThere = survey.programs.has("fail2ban-client");
  const hasJournal = survey.disk.state(PYTHON_JOURNAL).kind !== "absent";
  return {
    ...nothing,
    packages: [...(isThere ? [] : ["fail2ban"]), ...(hasJournal ? [] : ["python3-systemd"])],
    desired,
    effects: [{ name: "fail2ban", of: "" }],
    proofs: [
      { kind: "service", unit: "fail2ban.service" },
      ...jails.map((name) => ({ kind: "jail", jail: name }) as const),
    ],
    proof: "fail2ban runs and names its jails; the next look lets it see a failed sign-in.",
  };
}

const action = ({ survey }: Setting): string =>
  survey.programs.has("nft") ? "nftables-allports" : "iptables-allports";

const sshLive: Remedy = (setting) =>
  bans(
    setting,
    [
      jail("sshd", setting.check, [
        "[DEFAULT]",
        ...ignored(setting),
        "[sshd]",
        "enabled = true",
        "backend = systemd",
        `journalmatch = ${JOURNAL}`,
        "maxretry = 4",
        "findtime = 10m",
        "bantime = 10m",
        `banaction = ${action(setting)}`,
      ]),
    ],
    ["sshd"],
  );

const escalation: Remedy = (setting) =>
  bans(
    setting,
    [
      jail("escalation", setting.check, [
        "[DEFAULT]",
        "bantime.increment = true",
        "bantime.factor = 1",
        `bantime.maxtime = ${String(MAX_BAN_DAYS)}d`,
        "[recidive]",
        "enabled = true",
        "backend = polling",
        "logpath = /var/log/fail2ban.log",
        "findtime = 1d",
        "bantime = 7d",
        `banaction = ${action(setting)}`,
      ]),
      {
        kind: "file",
        path: "/etc/fail2ban/fail2ban.d/zz-clawhold-escalation.local",
        // What it has forgotten it cannot punish twice.
        text: marked(setting.check, `[Definition]\ndbpurgeage = ${String(MAX_BAN_DAYS)}d`),
        mode: 0o644,
      },
    ],
    ["recidive"],
  );

const whitelist: Remedy = (setting) => {
  const part = bans(setting, [jail("whitelist", setting.check, ["[DEFAULT]", ...ignored(setting)])], []);
  const seen = setting.survey.seenFrom.filter((address) => !(setting.options.admins ?? []).includes(address));
  return {
    ...part,
    notes: [
      ...((setting.options.admins ?? []).length === 0
        ? ["Only the machine itself is listed. Name your addresses under admins."]
        : []),
      ...(seen.length === 0 ? [] : [`Signed in from lately, and not listed: ${seen.slice(0, 6).join(", ")}.`]),
    ],
  };
};

const webLogs = ["/var/log/nginx/access.log", "/var/log/apache2/access.log", "/var/log/caddy/access.log"] as const;
/** The common log format: whoever asks for what is not there, or not his. */
const FAIL = '^<HOST> \\S+ \\S+ \\[[^\\]]*\\] "[A-Z]+ [^"]*" (?:400|401|403|404|405|444) ';

const http: Remedy = (setting) => {
  const { survey, options } = setting;
  const log = options.httpLog ?? webLogs.find((path) => survey.disk.state(path).kind === "file");
  if (log === undefined || survey.disk.state(log).kind !== "file")
    return blocked("no_web_log", "No access log of a web server was found. Name it under httpLog.");
  return bans(
    setting,
    [
      {
        kind: "file",
        path: "/etc/fail2ban/filter.d/clawhold-http.conf",
        text: marked(setting.check, `[Definition]\nfailregex = ${FAIL}\nignoreregex =`),
        mode: 0o644,
      },
      jail("http", setting.check, [
        "[clawhold-http]",
        "enabled = true",
        "backend = polling",
        "filter = clawhold-http",
        `logpath = ${log}`,
        "maxretry = 30",
        "findtime = 1m",
        "bantime = 10m",
        `banaction = ${action(setting)}`,
      ]),
    ],
    ["clawhold-http"],
  );
};

export const banRemedies = {
  "ban.sshd.live": sshLive,
  "ban.escalation": escalation,
  "ban.whitelist": whitelist,
  "ban.http": http,
} as const satisfies Readonly<Record<string, Remedy>>;

/** What sshd's settings must be, for every kind of connection that its configuration tells apart. */
import type { Shortfalls } from "../../judge.ts";
import type { Answer, Effective } from "../../collectors/ssh/effective.ts";

/** Numbers that sign-in limits are held to; whoever mends them uses the same. */
export const sshLimits = {
  maxAuthTries: 3,
  loginGraceSeconds: 30,
  maxStartupsBegin: 10,
  maxStartupsFull: 100,
} as const;

/** As people write them: sshd prints lower case. */
const NAMES: Readonly<Record<string, string>> = {
  allowagentforwarding: "AllowAgentForwarding",
  gatewayports: "GatewayPorts",
  hostbasedauthentication: "HostbasedAuthentication",
  kbdinteractiveauthentication: "KbdInteractiveAuthentication",
  logingracetime: "LoginGraceTime",
  maxauthtries: "MaxAuthTries",
  maxstartups: "MaxStartups",
  passwordauthentication: "PasswordAuthentication",
  permitemptypasswords: "PermitEmptyPasswords",
  permitrootlogin: "PermitRootLogin",
  permittunnel: "PermitTunnel",
  x11forwarding: "X11Forwarding",
};

/** `PasswordAuthentication is yes for Match Address 203.0.113.0/24, by /etc/ssh/sshd_config:12`. */
function told(answer: Answer, keyword: string): string {
  const value = answer.settings[keyword]?.[0] ?? "";
  const whom = answer.label === undefined ? "" : ` for ${answer.label}`;
  const place = answer.origins[keyword];
  return `${NAMES[keyword] ?? keyword} is ${value}${whom}, ${place === undefined ? "by default" : `by ${place}`}`;
}

function valueOf({ settings }: Answer, keyword: string): string | undefined {
  return settings[keyword]?.[0]?.toLowerCase();
}

/** Keywords whose value is not what it must be, said once for each line that says so. */
function each({ answers }: Effective, wrong: (answer: Answer) => readonly string[]): Shortfalls {
  const found = new Map<string, string>();
  for (const answer of answers)
    for (const keyword of wrong(answer)) {
      const line = `${keyword} ${valueOf(answer, keyword) ?? ""} ${answer.origins[keyword] ?? ""}`;
      // Those under a Match are told the same by the same line, unless the Match itself says it.
      if (!found.has(line)) found.set(line, told(answer, keyword));
    }
  return [...found.values()];
}

/** The keywords of these that have another value. Older and newer versions lack some: what sshd does not know it does not do. */
function unless(answer: Answer, wanted: string, keywords: readonly string[]): readonly string[] {
  return keywords.filter((keyword) => (valueOf(answer, keyword) ?? wanted) !== wanted);
}

/** A password alone opens nothing where every accepted list of methods asks for a key as well. */
function needsKey(answer: Answer): boolean {
  const lists = valueOf(answer, "authenticationmethods")?.split(/\s+/) ?? ["any"];
  return lists.every((list) => list.split(",").some((method) => method.startsWith("publickey")));
}

export function passwordShortfalls(effective: Effective): Shortfalls {
  return each(effective, (answer) => [
    ...(needsKey(answer) ? [] : unless(answer, "no", ["passwordauthentication"])),
    ...unless(answer, "no", ["permitemptypasswords", "hostbasedauthentication"]),
  ]);
}

export function interactiveShortfalls(effective: Effective): Shortfalls {
  const keywords = ["kbdinteractiveauthentication", "challengeresponseauthentication"];
  return each(effective, (answer) => (needsKey(answer) ? [] : unless(answer, "no", keywords)));
}

export function rootShortfalls(effective: Effective): Shortfalls {
  return each(effective, (answer) => unless(answer, "no", ["permitrootlogin"]));
}

export function forwardingShortfalls(effective: Effective): Shortfalls {
  return each(effective, (answer) => {
    const isOff = valueOf(answer, "disableforwarding") === "yes";
    const off = isOff ? [] : ["allowagentforwarding", "x11forwarding", "permittunnel"];
    return unless(answer, "no", ["gatewayports", ...off]);
  });
}

export function limitShortfalls(effective: Effective): Shortfalls {
  const answer = effective.answers[0];
  if (answer === undefined) return [];
  const found: string[] = [];
  for (const one of effective.answers) {
    const tries = Number(valueOf(one, "maxauthtries"));
    if (tries > sshLimits.maxAuthTries)
      found.push(`${told(one, "maxauthtries")}, more than ${String(sshLimits.maxAuthTries)}`);
  }
  const grace = Number(valueOf(answer, "logingracetime"));
  if (grace === 0) found.push(`${told(answer, "logingracetime")}: without end`);
  else if (grace > sshLimits.loginGraceSeconds)
    found.push(`${told(answer, "logingracetime")}, more than ${String(sshLimits.loginGraceSeconds)} seconds`);
  const [begin = 0, , full = 0] = (valueOf(answer, "maxstartups") ?? "").split(":").map(Number);
  if (begin > sshLimits.maxStartupsBegin || full > sshLimits.maxStartupsFull) found.push(told(answer, "maxstartups"));
  if (!isLimitedPerSource(answer))
    found.push("neither PerSourceMaxStartups nor PerSourcePenalties limits what one address may try");
  return [...new Set(found)];
}

function isLimitedPerSource(answer: Answer): boolean {
  const penalties = valueOf(answer, "persourcepenalties");
  const startups = valueOf(answer, "persourcemaxstartups");
  return (penalties !== undefined && penalties !== "no") || (startups !== undefined && startups !== "none");
}

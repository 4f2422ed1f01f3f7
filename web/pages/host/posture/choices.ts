/**
 * What a person types about a fix, as lines of text, and what the host gets: a value of the one schema
 * (protocol/posture/options.ts), or what is wrong, field by field. Pure.
 */
import * as v from "valibot";
import type { CheckId } from "../../../../protocol/posture.ts";
import { fixOptionsSchema, type FixOptions } from "../../../../protocol/posture/options.ts";

export type Choice = keyof FixOptions;

interface ChoiceField {
  readonly label: string;
  /** What to type, with an example. */
  readonly hint: string;
  /** What is wrong with a value that the schema refuses. */
  readonly wrong: string;
  /** One value a line. */
  readonly isList: boolean;
  /** From a line, or the whole of a field that holds one value; the schema judges what comes out. */
  readonly read: (text: string) => unknown;
}

const WHOLE = /^\d{1,5}$/;
const number = (text: string): unknown => (WHOLE.test(text) ? Number(text) : text);

/** `443/tcp from 10.0.0.0/8 on internal website`: the middle parts may be left out. */
function opening(line: string): unknown {
  const found = /^(\d+)\/(\w+)(?: from (\S+))?(?: on (\w+))? +(.+)$/.exec(line);
  if (found === null) return line;
  const [, port = "", protocol, from, role, reason] = found;
  return { port: Number(port), protocol, ...(from && { from }), ...(role && { role }), reason };
}

function target(line: string): unknown {
  const found = /^(\S+) +(\d+) +(.+)$/.exec(line);
  return found === null ? line : { to: found[1], port: Number(found[2]), reason: found[3] };
}

function zone(line: string): unknown {
  const [name, role, ...rest] = line.split(/\s+/);
  return rest.length > 0 ? line : { interface: name, role };
}

export const choiceFields = {
  sshPort: {
    label: "SSH's next port",
    hint: "1024 to 32767. Empty: one that the host draws.",
    wrong: "A port is a whole number from 1024 to 32767.",
    isList: false,
    read: number,
  },
  sshUsers: {
    label: "Who may sign in over SSH",
    hint: "One user a line. Empty: whoever has a key now.",
    wrong: "A user name has lower-case letters, digits, _ and -, and at most 32 of them. At most 16 users.",
    isList: true,
    read: (line: string) => line,
  },
  admins: {
    label: "Addresses of administrators",
    hint: "One address or network a line, such as 203.0.113.7 or 2001:db8::/48. They are never banned.",
    wrong: "An address or a network as it is written shortest, such as 203.0.113.0/24. At most 16.",
    isList: true,
    read: (line: string) => line,
  },
  sshFrom: {
    label: "Whom SSH answers",
    hint: "anywhere, or admins for the addresses above and no other.",
    wrong: "Type anywhere or admins.",
    isList: false,
    read: (text: string) => text,
  },
  openings: {
    label: "What stays reachable besides SSH",
    hint: "One a line: 443/tcp website, or 8443/tcp from 10.0.0.0/8 on internal dashboard.",
    wrong: "Port and protocol, then a reason: 443/tcp website. A reason has at most 60 plain characters.",
    isList: true,
    read: opening,
  },
  egress: {
    label: "Where the gateway may connect to",
    hint: "One a line: network, port, reason, such as 160.79.104.0/23 443 model provider. Empty: port 443 anywhere.",
    wrong: "Network, port and reason, such as 160.79.104.0/23 443 model provider.",
    isList: true,
    read: target,
  },
  zones: {
    label: "What each network is for",
    hint: "One a line: interface and role, such as eth0 dmz. Roles are dmz, internal and management.",
    wrong: "An interface and one of dmz, internal, management.",
    isList: true,
    read: zone,
  },
  httpLog: {
    label: "Access log of the web server",
    hint: "A file below /var/log, such as /var/log/nginx/access.log.",
    wrong: "A file below /var/log, without blanks.",
    isList: false,
    read: (text: string) => text,
  },
} as const satisfies Record<Choice, ChoiceField>;

/** Which choices a fix looks at. */
export const choicesOf: Partial<Record<CheckId, readonly Choice[]>> = {
  "ssh.port.nonstandard": ["sshPort"],
  "ssh.allowlist": ["sshUsers"],
  "ssh.auth.limits": ["admins"],
  "fw.default-deny": ["admins", "sshFrom", "openings"],
  "fw.egress.gateway": ["egress"],
  "ban.sshd.live": ["admins"],
  "ban.whitelist": ["admins"],
  "ban.http": ["httpLog"],
  "net.segmentation": ["zones"],
};

export type Typed = Partial<Record<Choice, string>>;

export type Chosen =
  | { readonly kind: "options"; readonly options: FixOptions }
  /** By field; `line` counts from 1 in a list. */
  | { readonly kind: "wrong"; readonly wrong: Partial<Record<Choice, string>> }
  | { readonly kind: "nothing" };

export function chosenFrom(typed: Typed): Chosen {
  const drafts = (Object.keys(choiceFields) as Choice[]).flatMap((choice) => {
    const draft = draftOf(choice, typed[choice] ?? "");
    return draft === undefined ? [] : [[choice, draft] as const];
  });
  if (drafts.length === 0) return { kind: "nothing" };
  const read = v.safeParse(fixOptionsSchema, Object.fromEntries(drafts));
  if (read.success) return { kind: "options", options: read.output };
  return { kind: "wrong", wrong: wrongOf(read.issues) };
}

function draftOf(choice: Choice, text: string): unknown {
  const { isList, read } = choiceFields[choice];
  if (!isList) return text.trim() === "" ? undefined : read(text.trim());
  const lines = text.split("\n").map((line) => line.trim());
  const rows = lines.filter((line) => line !== "").map((line) => read(line));
  return rows.length === 0 ? undefined : rows;
}

/** The first of each field. */
function wrongOf(issues: readonly v.BaseIssue<unknown>[]): Partial<Record<Choice, string>> {
  const wrong: Partial<Record<Choice, string>> = {};
  for (const { path } of issues) {
    const choice = (Object.keys(choiceFields) as Choice[]).find((one) => one === path?.[0]?.key);
    if (choice === undefined || wrong[choice] !== undefined) continue;
    const row = path?.[1]?.key;
    wrong[choice] =
      typeof row === "number" ? `Line ${String(row + 1)}: ${choiceFields[choice].wrong}` : choiceFields[choice].wrong;
  }
  return wrong;
}

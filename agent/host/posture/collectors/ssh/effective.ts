/** What sshd itself makes of its configuration, for nobody in particular and for each kind of connection that it names. */
import type { Machine } from "../../machine.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import type { Accounts } from "../accounts.ts";
import { argumentOf, holds, questionsOf, type Connection, type Question } from "./connections.ts";
import type { SshdFiles } from "./config-file.ts";
import type { Daemon } from "./daemon.ts";

/** Settings by name in lower case; those that may be said several times have several values. */
export type Settings = Readonly<Record<string, readonly string[]>>;

export interface Answer {
  /** Undefined: for whoever no Match is about. */
  readonly label?: string;
  readonly settings: Settings;
  /** Where a setting was written, `path:line`, as far as our own reading agrees with sshd's answer. */
  readonly origins: Readonly<Record<string, string>>;
}

export interface Effective {
  readonly answers: readonly Answer[];
}

/** What checks and other collectors read; the rest of the answer is not kept. */
const KEPT: ReadonlySet<string> = new Set(
  `allowagentforwarding allowgroups allowtcpforwarding allowusers authenticationmethods authorizedkeyscommand
  authorizedkeysfile authorizedprincipalscommand challengeresponseauthentication denygroups denyusers disableforwarding
  gatewayports hostbasedauthentication hostkey kbdinteractiveauthentication listenaddress logingracetime maxauthtries
  maxstartups passwordauthentication permitemptypasswords permitrootlogin permittunnel persourcemaxstartups
  persourcepenalties port pubkeyauthentication strictmodes trustedusercakeys usepam x11forwarding`.split(/\s+/),
);
const AT_ONCE = 4;

export interface Asking {
  readonly machine: Machine;
  readonly files: SshdFiles;
  readonly accounts: Accounts;
  readonly daemon: Daemon;
}

export async function askSshd(asking: Asking): Promise<Fact<Effective>> {
  const { machine, files, accounts, daemon } = asking;
  const first = daemon.listens[0];
  const ground = { accounts, laddr: first?.address ?? "127.0.0.1", lport: first?.port ?? 22 };
  const { base, list, unasked } = questionsOf(files.matches, ground);
  const argv = ["sshd", "-T", ...daemon.options];
  // Always about somebody: under some Match lines sshd answers for nobody at all.
  const ran = await machine.run([...argv, "-C", argumentOf(base) ?? ""]);
  if (ran.kind !== "ran") return unknown(ran.kind === "missing" ? "missing_tool" : "timeout", argv.join(" "));
  if (ran.exit !== 0) {
    if (!machine.isRoot) return unknown("not_root", argv.join(" "));
    return unknown("failed", `sshd -T: ${ran.stderr.split("\n")[0] ?? ""}`);
  }
  const { answers, raw, gaps } = await askAll(list, { asking, argv });
  const answer = answerOf(ran.stdout, { files, accounts });
  const missed = [...unasked, ...gaps];
  const labels = [...new Set(list.map(({ label }) => label))];
  const about = labels.length === 0 ? "no Match line" : `also asked about ${labels.join("; ")}`;
  const seen = {
    level: "effective",
    source: `${argv.join(" ")} -C ${argumentOf(base) ?? ""}`,
    at: machine.now(),
    raw: [ran.stdout, ...raw].join("\n"),
    excerpt: `${decisive(answer)}\n(${about})`,
    exit: 0,
  } as const;
  const fact = known({ answers: [answer, ...answers] }, seen);
  if (missed.length === 0) return fact;
  return { ...fact, gap: { why: "not_visible", source: `sshd was not asked about ${missed.join("; ")}` } };
}

interface Round {
  readonly asking: Asking;
  readonly argv: readonly string[];
}

async function askAll(list: readonly Question[], round: Round) {
  const { files, accounts } = round.asking;
  const answers: Answer[] = [];
  const raw: string[] = [];
  const gaps: string[] = [];
  for (let from = 0; from < list.length; from += AT_ONCE) {
    const asked = list.slice(from, from + AT_ONCE).map((question) => ask(question, round));
    for (const { text, question } of await Promise.all(asked)) {
      if (text === undefined) gaps.push(question.label);
      else {
        raw.push(text);
        answers.push(answerOf(text, { files, accounts, question }));
      }
    }
  }
  return { answers, raw, gaps };
}

async function ask(
  question: Question,
  { asking, argv }: Round,
): Promise<{ readonly question: Question; readonly text: string | undefined }> {
  const argument = argumentOf(question.connection);
  if (argument === undefined) return { question, text: undefined };
  const ran = await asking.machine.run([...argv, "-C", argument]);
  return { question, text: ran.kind === "ran" && ran.exit === 0 ? ran.stdout : undefined };
}

export function parseSettings(text: string): Settings {
  const found: Record<string, string[]> = {};
  for (const line of text.split("\n")) {
    const [keyword = "", ...words] = line.trim().split(" ");
    if (KEPT.has(keyword)) (found[keyword] ??= []).push(words.join(" "));
  }
  return found;
}

interface Context {
  readonly files: SshdFiles;
  readonly accounts: Accounts;
  readonly question?: Question;
}

function answerOf(text: string, context: Context): Answer {
  const settings = parseSettings(text);
  const { question } = context;
  return {
    ...(question === undefined ? {} : { label: question.label }),
    settings,
    origins: originsOf(settings, context),
  };
}

/** Names that sshd prints otherwise than people write them. */
const PRINTED_AS: Readonly<Record<string, string>> = {
  challengeresponseauthentication: "kbdinteractiveauthentication",
  "without-password": "prohibit-password",
};

function originsOf(settings: Settings, { files, accounts, question }: Context): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const applying = files.directives.filter(({ within }) =>
    appliesTo(within, { connection: question?.connection, accounts }),
  );
  // What stands under a Match that holds wins over what stands under none; among equals the first.
  const matched = applying.filter(({ within }) => within.length > 0);
  for (const directive of [...matched, ...applying]) {
    const keyword = PRINTED_AS[directive.keyword] ?? directive.keyword;
    if (!(keyword in settings) || keyword in found) continue;
    const printed = (settings[keyword]?.[0] ?? "").toLowerCase();
    const written = directive.words.join(" ").toLowerCase();
    // Ours is a second reading: where it disagrees with sshd, no line is blamed.
    const isSame = (PRINTED_AS[printed] ?? printed) === (PRINTED_AS[written] ?? written);
    found[keyword] = isSame ? `${directive.file}:${String(directive.line)}` : "";
  }
  return Object.fromEntries(Object.entries(found).filter(([, place]) => place !== ""));
}

function appliesTo(
  within: SshdFiles["matches"],
  { connection, accounts }: { readonly connection: Connection | undefined; readonly accounts: Accounts },
): boolean {
  return within.every((match) => connection !== undefined && holds(match, connection, accounts) === true);
}

function decisive(answer: Answer | undefined): string {
  const names = [
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "permitrootlogin",
    "maxauthtries",
    "allowusers",
  ];
  return names.flatMap((name) => (answer?.settings[name] ?? []).map((value) => `${name} ${value}`)).join("\n");
}

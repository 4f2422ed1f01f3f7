/**
 * Who is shut out for trying: what fail2ban says about its jails. That it runs and lists a jail proves nothing (it may be blind);
 * whether it sees and shuts out is the canary's to say.
 */
import type { Setting } from "../../collector.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import type { Machine } from "../../machine.ts";

export interface Jail {
  readonly name: string;
  /** Files or journal matches that it reads. */
  readonly sources: readonly string[];
  /** Of files: when the last line came, seconds since 1970. */
  readonly newest: number | undefined;
  readonly ignored: readonly string[];
  readonly ignoresSelf: boolean;
  readonly banSeconds: number;
  readonly maxRetry: number;
  readonly grows: boolean;
}

export interface BanService {
  readonly state: "absent" | "stopped" | "failed" | "running";
  readonly isEnabled: boolean;
  readonly jails: readonly Jail[];
  /** Survives a restart of the service. */
  readonly remembers: boolean;
  /** Changes with every start of the service. */
  readonly invocation: string;
}

export interface BanFacts {
  "ban.service": BanService;
  /** Where the people who are signed in now came from. */
  "ban.guests": readonly string[];
}

export const banGives = ["ban.service", "ban.guests"] as const;
type Facts = { readonly [N in keyof BanFacts]: Fact<BanFacts[N]> };

/** fail2ban's client is a Python program: asked each minute it would cost more than all else together. */
const RESTED_SECONDS = 600;
const CLIENT = "fail2ban-client";
const JAIL_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const MAX_JAILS = 16;

export async function banFacts({ machine, kept }: Setting): Promise<Facts> {
  const [service, guests] = await Promise.all([serviceFact(machine, kept?.["ban.service"]), guestsFact(machine)]);
  return { "ban.service": service, "ban.guests": guests };
}

async function serviceFact(machine: Machine, kept: Fact<BanService> | undefined): Promise<Fact<BanService>> {
  const source = `systemctl show fail2ban.service, ${CLIENT} status`;
  const argv = [
    "systemctl",
    "show",
    "--property=LoadState,ActiveState,UnitFileState,InvocationID,Result",
    "fail2ban.service",
  ];
  const shown = await machine.run(argv);
  if (shown.kind !== "ran") return unknown("missing_tool", argv.join(" "));
  const field = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(shown.stdout)?.[1] ?? "";
  const isEnabled = field("UnitFileState") === "enabled";
  const base = { isEnabled, jails: [], remembers: false, invocation: field("InvocationID") };
  const at = machine.now();
  const seen = (value: BanService, raw: string): Fact<BanService> =>
    known(value, { level: "effective", source, at, raw: `${shown.stdout}${raw}`, excerpt: toldOf(value), exit: 0 });
  if (field("LoadState") !== "loaded") return seen({ ...base, state: "absent" }, "");
  if (field("ActiveState") !== "active")
    return seen({ ...base, state: field("ActiveState") === "failed" ? "failed" : "stopped" }, "");
  if (!machine.isRoot) return unknown("not_root", `${CLIENT} status`);
  if (kept?.kind === "known" && isRested(kept.value, kept.evidence.at, { at, invocation: base.invocation }))
    return kept;
  const { jails, remembers, raw } = await ask(machine);
  return seen({ ...base, state: "running", jails, remembers }, raw);
}

function toldOf({ state, jails, remembers }: BanService): string {
  const told = jails.map(
    ({ name, sources, banSeconds, maxRetry, grows, ignored }) =>
      `jail ${name} reads ${sources.join(" ")}: ${String(maxRetry)} tries, ${String(banSeconds)} s${grows ? ", growing" : ""}, spares ${ignored.join(" ") || "nobody"}`,
  );
  return [`fail2ban: ${state}`, ...told, ...(state === "running" && !remembers ? ["no database"] : [])].join("; ");
}

function isRested(
  value: BanService,
  seenAt: number,
  now: { readonly at: number; readonly invocation: string },
): boolean {
  return value.state === "running" && value.invocation === now.invocation && now.at - seenAt < RESTED_SECONDS;
}

/** Several questions to one client: it reads commands from its standard input as it would from a person. */
async function dialogue(machine: Machine, questions: readonly string[]): Promise<readonly string[]> {
  const answer = await machine.run([CLIENT, "-i"], { input: `${questions.join("\n")}\n` });
  if (answer.kind !== "ran") return [];
  return answer.stdout.split("fail2ban> ").slice(1);
}

async function ask(
  machine: Machine,
): Promise<{ readonly jails: readonly Jail[]; readonly remembers: boolean; readonly raw: string }> {
  const [status = "", database = ""] = await dialogue(machine, ["status", "get dbfile"]);
  const names = (/Jail list:\s*(.*)$/m.exec(status)?.[1] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => JAIL_NAME.test(name))
    .slice(0, MAX_JAILS);
  const answers = await dialogue(machine, names.flatMap(questionsFor));
  const perJail = questionsFor("").length;
  const jails = await Promise.all(
    names.map((name, index) => jailOf(machine, name, answers.slice(index * perJail, (index + 1) * perJail))),
  );
  const remembers = /^`- \/.+/m.test(database) && !database.includes(":memory:");
  return { jails, remembers, raw: [status, database, ...answers].join("\n") };
}

function questionsFor(jail: string): readonly string[] {
  const get = ["ignoreip", "ignoreself", "bantime", "maxretry", "bantime.increment"];
  return [`status ${jail}`, ...get.map((what) => `get ${jail} ${what}`)];
}

async function jailOf(machine: Machine, name: string, answers: readonly string[]): Promise<Jail> {
  const [status = "", ignored = "", self = "", bantime = "", maxRetry = "", increment = ""] = answers;
  const files = /File list:\s*(.*)$/m.exec(status)?.[1]?.trim();
  const journal = /Journal matches:\s*(.*)$/m.exec(status)?.[1]?.trim();
  const sources =
    files === undefined ? (journal === undefined ? [] : [`journal ${journal}`]) : files.split(/\s+/).filter(Boolean);
  const looks = await Promise.all((files === undefined ? [] : sources).map((path) => machine.look(path)));
  const times = looks.flatMap((look) => (look === undefined ? [] : [look.modified]));
  return {
    name,
    sources,
    newest: times.length === 0 ? undefined : Math.max(...times),
    ignored: [...ignored.matchAll(/^[|`]- (\S+)/gm)].map(([, network = ""]) => network),
    ignoresSelf: self.trim() === "True",
    banSeconds: Number.parseInt(bantime, 10),
    maxRetry: Number.parseInt(maxRetry, 10),
    grows: increment.trim() === "True",
  };
}

/** Sessions as systemd knows them; also who ran this program over SSH. */
async function guestsFact(machine: Machine): Promise<Fact<readonly string[]>> {
  const source = "loginctl show-session";
  const at = machine.now();
  const own = machine.environment["SSH_CONNECTION"]?.split(" ")[0];
  const listed = await machine.run(["loginctl", "list-sessions", "--no-legend"]);
  const ids =
    listed.kind === "ran" ? listed.stdout.split("\n").flatMap((line) => /^\s*(\w+)/.exec(line)?.[1] ?? []) : [];
  const shown =
    ids.length === 0
      ? undefined
      : await machine.run(["loginctl", "show-session", "--property=RemoteHost", ...ids.slice(0, 32)]);
  const text = shown?.kind === "ran" ? shown.stdout : "";
  const remote = [...text.matchAll(/^RemoteHost=([0-9A-Fa-f:.]+)$/gm)].map(([, address = ""]) => address);
  const guests = [...new Set([...remote, ...(own === undefined ? [] : [own])])];
  return known(guests, {
    level: "runtime",
    source,
    at,
    raw: text,
    excerpt: guests.join(", ") || "nobody is signed in from elsewhere",
  });
}

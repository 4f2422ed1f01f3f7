/**
 * What a move must know of the machine, or why there can be none. Only looks, and is asked only when a move is planned: it speaks to the
 * former user's service manager and measures his state directory.
 */
import { dirname } from "node:path";
import { DEFAULT_GATEWAY_PORT } from "../../gateway/discover.ts";
import { gatewayProcesses } from "../../gateway/gateway-process.ts";
import { UNITS } from "../../units/layout.ts";
import type { Disk } from "../disk.ts";
import type { Hands } from "../hands.ts";
import { accountsOf, type Account } from "../survey-gateway.ts";
import { OWN_HOME, OWN_UNIT_FILE, OWN_USER, stateIn, type Carried, type Former } from "./carried.ts";
import { carriedNames, environmentOf } from "./environment.ts";
import { commandOf, formerOf, hindrance, type Hindrance } from "./former-service.ts";
import { changeableAbove, holdsMore, veilOver } from "./state-place.ts";

export interface Movable {
  readonly kind: "movable";
  readonly carried: Carried;
  readonly command: readonly string[];
  /** Hidden from the new service, or its owner could lead the former path elsewhere. */
  readonly veil: string | undefined;
  /** Names only: what is carried over from the process. */
  readonly environment: readonly string[];
  readonly bytes: number;
  readonly isNewUser: boolean;
  readonly hasWarden: boolean;
  /** What the former user keeps, as sentences. */
  readonly keeps: readonly string[];
}
export type MoveSurvey =
  | Movable
  | { readonly kind: "own"; readonly user: string }
  | { readonly kind: "hindered"; readonly why: Hindrance };

const NO_SHELL = /\/(?:nologin|false)$/;
/** Longer than this the gateway would be away for too long; the timer allows for it. */
export const MAX_STATE_BYTES = 4 * 1024 ** 3;
/** Left free on the disk that takes the copy. */
const SPARE_BYTES = 128 * 1024 ** 2;
const MEASURE_MILLISECONDS = 60_000;

export async function surveyMove(hands: Hands): Promise<MoveSurvey> {
  const found = await look(hands);
  return "code" in found ? { kind: "hindered", why: found } : found;
}

async function look(hands: Hands): Promise<Exclude<MoveSurvey, { readonly kind: "hindered" }> | Hindrance> {
  const { disk } = hands;
  const accounts = accountsOf(disk.text("/etc/passwd") ?? "");
  const processes = await gatewayProcesses(DEFAULT_GATEWAY_PORT, undefined);
  const [process, second] = processes;
  if (process === undefined)
    return disk.state(OWN_UNIT_FILE).kind === "file"
      ? { kind: "own", user: OWN_USER }
      : hindrance(
          "gateway_not_running",
          "No gateway answers on this machine. Start it first: a move proves that it answers as before.",
        );
  if (second !== undefined && second.uid !== process.uid)
    return hindrance(
      "several_gateways",
      "Several users' programs listen on the gateway's port. Stop all but one first.",
    );
  const account = accounts.find(({ uid }) => uid === process.uid);
  if (account !== undefined && account.uid !== 0 && NO_SHELL.test(account.shell))
    return { kind: "own", user: account.name };
  const former = await formerOf(hands, process);
  if ("code" in former) return former;
  const home = homeFor(disk, accounts);
  if ("code" in home) return home;
  const command = await commandOf(hands, former, process.pid);
  if (!Array.isArray(command)) return command as Hindrance;
  return measured(hands, { former, pid: process.pid, account, command, ...home });
}

interface Measuring {
  readonly former: Former;
  readonly pid: number;
  readonly account: Account | undefined;
  readonly command: readonly string[];
  readonly home: string;
  readonly isNewUser: boolean;
}

async function measured(hands: Hands, plan: Measuring): Promise<Movable | Hindrance> {
  const { disk } = hands;
  const { former, pid, home, isNewUser } = plan;
  const environment = environmentOf(disk, pid);
  const from = stateOf(environment, plan.account?.home ?? "/");
  const facts = disk.facts(from);
  const why = hindranceOf(disk, { from, facts, environment, former });
  if (why !== undefined || facts === undefined) return why ?? noState(from);
  const bytes = await sizeOf(hands, from);
  const free = disk.freeBytes(isNewUser ? dirname(home) : home);
  if (bytes > MAX_STATE_BYTES)
    return hindrance(
      "state_too_large",
      `${from} holds more than ${String(MAX_STATE_BYTES / 1024 ** 3)} GiB. Move old files of it away first.`,
    );
  if (bytes + SPARE_BYTES > free)
    return hindrance("no_room", `${from} is copied, and the disk of ${home} has no room for it.`);
  const { uid, gid, mode, device, inode } = facts;
  const names = carriedNames(environment);
  return {
    kind: "movable",
    carried: {
      former,
      from,
      directory: { device, inode, uid, gid, mode },
      home,
      hadHome: !isNewUser,
      port: DEFAULT_GATEWAY_PORT,
      hasEnvironment: names.length > 0,
    },
    command: plan.command,
    veil: veilOver(disk, from),
    environment: names,
    bytes,
    isNewUser,
    hasWarden: disk.state(`/etc/systemd/system/${UNITS.warden}`).kind === "file",
    keeps: keptBy(disk, former, plan.account?.home ?? "/"),
  };
}

/** As the gateway itself finds it. */
function stateOf(environment: Readonly<Record<string, string>>, fallback: string): string {
  const { OPENCLAW_STATE_DIR: state = "", OPENCLAW_HOME: own = "", OPENCLAW_PROFILE: profile = "", HOME } = environment;
  if (state !== "") return state.replace(/\/+$/, "");
  const name = /^[A-Za-z0-9._-]{1,40}$/.test(profile) && profile !== "default" ? `-${profile}` : "";
  return `${own === "" ? (HOME ?? fallback) : own}/.openclaw${name}`;
}

const noState = (from: string): Hindrance =>
  hindrance("state_not_found", `${from} is no directory of the gateway's user. A link to one is not followed.`);

interface Judged {
  readonly from: string;
  readonly facts: ReturnType<Disk["facts"]>;
  readonly environment: Readonly<Record<string, string>>;
  readonly former: Former;
}

function hindranceOf(disk: Disk, { from, facts, environment, former }: Judged): Hindrance | undefined {
  if (!/^\/[A-Za-z0-9@_+.,/-]+$/.test(from) || from.includes("..") || facts?.kind !== "directory") return noState(from);
  if (facts.uid !== former.uid) return noState(from);
  const place = placeTrouble(disk, from, former);
  if (place !== undefined) return place;
  const config = environment["OPENCLAW_CONFIG_PATH"] ?? "";
  if (config !== "" && !config.startsWith(`${from}/`))
    return hindrance("config_outside_state", `The configuration ${config} is outside of ${from}. Put it there first.`);
  const named = pathsOutside(configIn(disk, from), from, environment["HOME"]);
  if (named !== undefined)
    return hindrance(
      "paths_outside_state",
      `The configuration names ${named}, which another user cannot reach. Move it below ${from} first.`,
    );
  if (/openclaw/.test(disk.text(`/var/spool/cron/crontabs/${former.user}`) ?? ""))
    return hindrance(
      "started_by_cron",
      `A line in the crontab of ${former.user} calls openclaw. Take it out first: it would start a second gateway.`,
    );
  return undefined;
}

function placeTrouble(disk: Disk, from: string, { uid }: Former): Hindrance | undefined {
  if (holdsMore(from, accountsOf(disk.text("/etc/passwd") ?? "")))
    return hindrance("state_not_found", `${from} holds more than the gateway's state, and is not closed for it.`);
  // It would be read with root's rights, by a name that somebody else can lead elsewhere.
  const above = uid === 0 ? changeableAbove(disk, from) : undefined;
  return above === undefined
    ? undefined
    : hindrance("state_not_found", `${from} is root's, but others can put another directory in its place: ${above}.`);
}

/** Its owner may have made it as large as he likes: one that no gateway would read is not read. */
function configIn(disk: Disk, from: string): string {
  const path = `${from}/openclaw.json`;
  return disk.state(path).kind === "file" ? (disk.text(path) ?? "") : "";
}

/** A path in the former home that is not state: a workspace, most often. */
function pathsOutside(text: string, from: string, home: string | undefined): string | undefined {
  if (home === undefined || home === "/" || home === "") return undefined;
  const quoted = [...text.matchAll(/["']([~/][^"'\n]{1,300})["']/g)].map(([, path = ""]) =>
    path.replace(/^~(?=\/|$)/, home),
  );
  return quoted.find(
    (path) => (path === home || path.startsWith(`${home}/`)) && path !== from && !path.startsWith(`${from}/`),
  );
}

async function sizeOf(hands: Hands, path: string): Promise<number> {
  const ran = await hands.run(["du", "-s", "--block-size=1", "--", path], { milliseconds: MEASURE_MILLISECONDS });
  // What cannot be measured in a minute is too large to be moved in one go.
  return ran.kind === "ran" && ran.exit === 0 ? Number.parseInt(ran.stdout, 10) : Number.MAX_SAFE_INTEGER;
}

/** A user of that name that is there already is taken only if nobody could sign in as it and it holds nothing. */
function homeFor(
  disk: Disk,
  accounts: readonly Account[],
): { readonly home: string; readonly isNewUser: boolean } | Hindrance {
  const present = accounts.find(({ name }) => name === OWN_USER);
  if (present === undefined) {
    const isFree = disk.state(OWN_HOME).kind === "absent" && !/^openclaw:/m.test(disk.text("/etc/group") ?? "");
    return isFree
      ? { home: OWN_HOME, isNewUser: true }
      : hindrance(
          "openclaw_user_taken",
          `There is no user openclaw, but a group of that name or ${OWN_HOME}. Remove what is left of it first.`,
        );
  }
  const { home, shell, uid } = present;
  const facts = disk.facts(home);
  const isOwn = facts?.kind === "directory" && facts.uid === uid && home !== "/";
  const isBare = isOwn && [stateIn(home), `${home}/.ssh`].every((path) => disk.state(path).kind === "absent");
  const groups = [...(disk.text("/etc/group") ?? "").matchAll(/^([^:\n]+):[^:\n]*:\d*:([^\n]*)$/gm)];
  const isAlone = !groups.some(([, , members = ""]) => members.split(",").includes(OWN_USER));
  if (uid !== 0 && NO_SHELL.test(shell) && isBare && isAlone) return { home, isNewUser: false };
  return hindrance(
    "openclaw_user_taken",
    `There is a user openclaw (number ${String(uid)}) already that can sign in, is in other groups, or has files of its own. Rename or remove it first.`,
  );
}

function keptBy(disk: Disk, { user, kind }: Former, home: string): readonly string[] {
  const keys = (disk.text(`${home}/.ssh/authorized_keys`) ?? "")
    .split("\n")
    .filter((line) => /^[a-z]/.test(line)).length;
  const has = (path: string): boolean => disk.state(path).kind === "file";
  const kept = [
    ...(keys === 0 ? [] : [`${String(keys)} SSH key${keys === 1 ? "" : "s"}`]),
    ...(has(`/var/spool/cron/crontabs/${user}`) ? ["a crontab"] : []),
    ...(disk.state(`${home}/.ssh`).kind === "directory" ? ["its own .ssh directory"] : []),
  ];
  return [
    ...(kept.length === 0 ? [] : [`${user} keeps ${kept.join(", ")}: the gateway does not reach them any more.`]),
    ...(kind === "user" && has(`/var/lib/systemd/linger/${user}`)
      ? [
          `Services of ${user} still start without a sign-in (linger). If nothing else needs that: loginctl disable-linger ${user}`,
        ]
      : []),
  ];
}

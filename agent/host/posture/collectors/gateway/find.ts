/**
 * Every gateway of this machine: those that run, by the name of their process, and those that are only configured, by the state
 * directories in people's homes. What it reads of them (configuration, environment) holds secrets and stays in memory; what
 * becomes a fact is said by `gateway.ts`.
 */
import { join } from "node:path";
import { DEFAULT_GATEWAY_PORT } from "../../../gateway/discover.ts";
import { parseConfigText } from "../../../gateway/config-file.ts";
import type { ListeningSocket } from "../../../gateway/listening.ts";
import { field, isFields } from "../../../gateway/wire.ts";
import type { Machine } from "../../machine.ts";
import { peopleOf, type Person } from "./people.ts";
import { processNamesNow } from "./process-names.ts";
import { environmentIn, secretOf, type GatewaySecret } from "./secret.ts";

/** What the kernel keeps of the name that the gateway gives its process. */
const PROCESS_NAME = "openclaw-gatewa";
const STATE_DIRECTORY = /^\.openclaw(?:-[A-Za-z0-9._-]{1,40})?$/;
const MAX_GATEWAYS = 16;
const MAX_ENVIRONMENT_BYTES = 262_144;

export interface FoundProcess {
  readonly pid: number;
  readonly uid: number;
  /** Undefined: another user's, and we are not root. */
  readonly environment: Readonly<Record<string, string>> | undefined;
  /** The kernel's numbers of its sockets; undefined as above. */
  readonly inodes: ReadonlySet<string> | undefined;
}

/** `unreadable`: it belongs to a user whose files we may not open. */
export type ConfigurationState = "ok" | "absent" | "invalid" | "unreadable";

export interface FoundGateway {
  /** A name for people: the user, and the profile where there are several. */
  readonly name: string;
  readonly user: Person;
  readonly directory: string;
  readonly configurationPath: string;
  readonly configuration: ConfigurationState;
  /** The owner of the configuration's file, as opened. */
  readonly ownerUid: number | undefined;
  /** Parsed, with every secret in it. */
  readonly tree: unknown;
  /** The file's text, for telling whether it changed. */
  readonly text: string | undefined;
  readonly secret: GatewaySecret;
  readonly port: number;
  readonly process: FoundProcess | undefined;
}

export interface Found {
  readonly gateways: readonly FoundGateway[];
  /** Processes of gateways in containers: their files and sockets are not this machine's, and they are not looked into. */
  readonly contained: readonly number[];
  /** More than are looked at: anybody can give a process its name. */
  readonly unseen: number;
  /** True: nothing that could hold one was closed to us. */
  readonly isComplete: boolean;
}

interface Place {
  readonly user: Person;
  readonly directory: string;
  readonly configurationPath: string;
  readonly process: FoundProcess | undefined;
}

export async function findGateways(machine: Machine, sockets: readonly ListeningSocket[]): Promise<Found> {
  const people = await peopleOf(machine);
  const [{ processes, contained }, homes] = await Promise.all([
    runningGateways(machine),
    configuredHomes(machine, people),
  ]);
  const running = processes.map((process) => placeOfProcess(process, people));
  const own = placeOfEnvironment(machine, people);
  const all = [...running, ...(own === undefined ? [] : [own]), ...homes.places];
  const places = all.filter((place, index) => index === all.findIndex((other) => isSame(other, place)));
  const gateways = await Promise.all(places.slice(0, MAX_GATEWAYS).map((place) => open(machine, place, sockets)));
  // A place that a variable names and nothing is at is no gateway.
  const present = gateways.filter(({ configuration, process }) => configuration !== "absent" || process !== undefined);
  const unseen = Math.max(0, places.length - MAX_GATEWAYS);
  return { gateways: named(present), contained, unseen, isComplete: homes.isComplete };
}

function isSame(left: Place, right: Place): boolean {
  return left.configurationPath === right.configurationPath;
}

async function runningGateways(
  machine: Machine,
): Promise<{ readonly processes: readonly FoundProcess[]; readonly contained: readonly number[] }> {
  const named = (await processNamesNow(machine)).filter(({ name }) => name === PROCESS_NAME);
  const found = await Promise.all(named.map(({ pid }) => processOf(machine, String(pid))));
  const present = found.filter((one) => one !== undefined);
  return {
    processes: present.filter(({ isContained }) => !isContained),
    contained: present.filter(({ isContained }) => isContained).map(({ pid }) => pid),
  };
}

async function processOf(
  machine: Machine,
  pid: string,
): Promise<(FoundProcess & { readonly isContained: boolean }) | undefined> {
  const [status, environment, inodes] = await Promise.all([
    machine.read(`/proc/${pid}/status`, 16_384),
    machine.read(`/proc/${pid}/environ`, MAX_ENVIRONMENT_BYTES),
    socketInodes(machine, pid),
  ]);
  const uid = status.kind === "text" ? /^Uid:\t(\d+)\t/m.exec(status.text)?.[1] : undefined;
  if (status.kind !== "text" || uid === undefined) return undefined; // ended meanwhile
  return {
    // One number for each space of processes that it is in, from ours inwards.
    isContained: /^NSpid:\t\d+\t\d/m.test(status.text),
    pid: Number(pid),
    uid: Number(uid),
    environment: environment.kind === "text" ? environmentIn(environment.text, "\0") : undefined,
    inodes,
  };
}

async function socketInodes(machine: Machine, pid: string): Promise<ReadonlySet<string> | undefined> {
  const files = await machine.list(`/proc/${pid}/fd`);
  if (files === undefined) return undefined;
  const links = await Promise.all(files.map((file) => machine.linkTarget(`/proc/${pid}/fd/${file}`)));
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link ?? "")?.[1] ?? []));
}

function placeOfProcess(process: FoundProcess, people: readonly Person[]): Place {
  const user = personOf(process.uid, people);
  const home = process.environment?.["HOME"] ?? user.home;
  return { ...directoriesOf(process.environment ?? {}, home), user, process };
}

function personOf(uid: number, people: readonly Person[]): Person {
  return people.find((person) => person.uid === uid) ?? { name: `uid ${String(uid)}`, uid, gid: uid, home: "/" };
}

/** As the gateway itself finds its configuration. */
function directoriesOf(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): Pick<Place, "directory" | "configurationPath"> {
  const own = environment["OPENCLAW_HOME"];
  const profile = environment["OPENCLAW_PROFILE"];
  const name = profile === undefined || !/^[A-Za-z0-9._-]{1,40}$/.test(profile) ? "" : `-${profile}`;
  const fallback = join(own === undefined || own === "" ? home : own, `.openclaw${name}`);
  const state = environment["OPENCLAW_STATE_DIR"];
  const directory = state === undefined || state === "" ? fallback : state;
  const path = environment["OPENCLAW_CONFIG_PATH"];
  return {
    directory,
    configurationPath: path === undefined || path === "" ? join(directory, "openclaw.json") : path,
  };
}

/** The one that this user's own shell would speak to. */
function placeOfEnvironment(machine: Machine, people: readonly Person[]): Place | undefined {
  const named = ["OPENCLAW_HOME", "OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH", "OPENCLAW_PROFILE"];
  if (!named.some((name) => (machine.environment[name] ?? "") !== "")) return undefined;
  const place = directoriesOf(machine.environment, machine.homeDirectory);
  return { ...place, user: personOf(machine.uid, people), process: undefined };
}

async function configuredHomes(
  machine: Machine,
  people: readonly Person[],
): Promise<{ readonly places: readonly Place[]; readonly isComplete: boolean }> {
  let isComplete = true;
  const places = await Promise.all(
    people.map(async (user): Promise<readonly Place[]> => {
      const home = await machine.look(user.home);
      if (home?.kind !== "directory" || user.home === "/") return [];
      const names = await machine.list(user.home);
      if (names === undefined) isComplete = false;
      const directories = (names ?? [])
        .filter((name) => STATE_DIRECTORY.test(name))
        .map((name) => join(user.home, name));
      const closed = await Promise.all(directories.map((directory) => isClosed(machine, directory)));
      return directories
        .filter((_, index) => closed[index] !== true)
        .map((directory) => ({
          user,
          directory,
          configurationPath: join(directory, "openclaw.json"),
          process: undefined,
        }));
    }),
  );
  return { places: places.flat(), isComplete };
}

/** What a gateway's move left for the way back: root's, with no rights at all. No gateway can run from it. */
async function isClosed(machine: Machine, directory: string): Promise<boolean> {
  const facts = await machine.look(directory);
  return facts?.kind === "directory" && facts.uid === 0 && facts.mode === 0;
}

async function open(machine: Machine, place: Place, sockets: readonly ListeningSocket[]): Promise<FoundGateway> {
  const { directory, configurationPath, process, user } = place;
  const file = await machine.read(configurationPath);
  const tree = file.kind === "text" ? parseConfigText(file.text) : undefined;
  const configuration = stateOf(file.kind, tree);
  const ownerUid = file.kind === "text" ? file.uid : undefined;
  const environment = { ...(await fileEnvironment(machine, directory, ownerUid)), ...process?.environment };
  return {
    name: user.name,
    user,
    directory,
    configurationPath,
    configuration,
    ownerUid,
    tree: configuration === "ok" ? tree : undefined,
    text: file.kind === "text" ? file.text : undefined,
    secret: secretOf(tree, environment),
    port: portOf({ environment, tree, process, sockets }),
    process,
  };
}

function stateOf(kind: string, tree: unknown): ConfigurationState {
  if (kind === "absent") return "absent";
  if (kind === "denied") return "unreadable";
  return isFields(tree) ? "ok" : "invalid";
}

/**
 * A process says itself where its state is, and could name somebody else's: a secret of theirs that its configuration refers to
 * would be shown to it. So the file counts only where it belongs to whoever owns the configuration.
 */
async function fileEnvironment(
  machine: Machine,
  directory: string,
  ownerUid: number | undefined,
): Promise<Readonly<Record<string, string>>> {
  const file = await machine.read(join(directory, ".env"), MAX_ENVIRONMENT_BYTES);
  return file.kind === "text" && file.uid === ownerUid ? environmentIn(file.text, "\n") : {};
}

interface PortHints {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly tree: unknown;
  readonly process: FoundProcess | undefined;
  readonly sockets: readonly ListeningSocket[];
}

/** What is said, unless its process listens elsewhere: a command line may say another. */
function portOf({ environment, tree, process, sockets }: PortHints): number {
  const said =
    [environment["OPENCLAW_GATEWAY_PORT"], field(field(tree, "gateway"), "port")]
      .map(Number)
      .find((port) => Number.isInteger(port) && port > 0 && port < 65_536) ?? DEFAULT_GATEWAY_PORT;
  if (process === undefined) return said;
  const own = socketsOf(process, sockets);
  return own.some(({ port }) => port === said) ? said : (own[0]?.port ?? said);
}

/** Of the process itself where it shows its files, else of its user. */
export function socketsOf(process: FoundProcess, sockets: readonly ListeningSocket[]): readonly ListeningSocket[] {
  const { inodes, uid } = process;
  return sockets.filter((socket) => (inodes === undefined ? socket.uid === uid : inodes.has(socket.inode)));
}

/** Two of one user are told apart by their directories. */
function named(gateways: readonly FoundGateway[]): readonly FoundGateway[] {
  return gateways.map((one) => {
    const isAlone = gateways.filter(({ user }) => user.uid === one.user.uid).length === 1;
    return isAlone ? one : { ...one, name: `${one.name}, ${one.directory}` };
  });
}

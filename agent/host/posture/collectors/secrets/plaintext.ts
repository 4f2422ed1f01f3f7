/** Places where keys are left behind: shell histories, units, environment files, logs, old copies. Said is the provider, never the key. */
import { dirname, join } from "node:path";
import type { Collector, Setting } from "../../collector.ts";
import { known } from "../../fact.ts";
import type { Machine } from "../../machine.ts";
import type { GatewayRow } from "../gateway.ts";
import { peopleOf } from "../gateway/people.ts";
import { keyShapesIn } from "./shapes.ts";

export interface KeyPlace {
  readonly path: string;
  readonly kind: PlaceKind;
  readonly providers: readonly string[];
  /** Somebody beside its owner and root can read it. */
  readonly isOpen: boolean;
}

type PlaceKind = "history" | "unit" | "environment" | "log" | "file";

/** A log of a day; a history of years. */
const MAX_BYTES = 8 << 20;
const MAX_FILES = 600;
/** Of all together: who owns the files can make them as many and as large as he likes. */
const MAX_ALL_BYTES = 256 << 20;
const MAX_PLACES = 24;

const IN_HOMES: readonly (readonly [PlaceKind, string])[] = [
  ["history", ".bash_history"],
  ["history", ".zsh_history"],
  ["history", ".local/share/fish/fish_history"],
  ["history", ".python_history"],
  ["history", ".node_repl_history"],
  ["file", ".bashrc"],
  ["file", ".zshrc"],
  ["file", ".profile"],
  ["file", ".bash_profile"],
  ["file", ".env"],
];
const DIRECTORIES: readonly (readonly [PlaceKind, string, RegExp])[] = [
  ["unit", "/etc/systemd/system", /\.service$/],
  ["environment", "/etc/default", /^[\w.-]+$/],
  ["environment", "/etc/profile.d", /\.sh$/],
  ["unit", "/etc/cron.d", /^[\w.-]+$/],
  ["log", "/tmp/openclaw", /\.log$/],
  ["log", "/var/log/openclaw", /\.log$/],
];
const FILES: readonly (readonly [PlaceKind, string])[] = [
  ["environment", "/etc/environment"],
  ["unit", "/etc/crontab"],
];

export const plaintextCollector: Collector = {
  name: "secrets.plaintext",
  lane: "slow",
  gives: ["secrets.plaintext"],
  after: ["gateway.found"],
  collect,
};

async function collect({ machine, soFar }: Setting): ReturnType<Collector["collect"]> {
  const found = soFar["gateway.found"];
  const gateways = found?.kind === "known" ? found.value : [];
  const candidates = (await candidatesOf(machine, gateways)).slice(0, MAX_FILES);
  let looked = 0;
  let unseen = 0;
  let bytes = 0;
  const places: KeyPlace[] = [];
  // One after the other: logs are large, and the machine has other work.
  for (const [kind, path] of candidates) {
    if (bytes > MAX_ALL_BYTES) {
      unseen += 1;
      continue;
    }
    const file = await machine.read(path, MAX_BYTES);
    bytes += file.kind === "text" ? file.text.length : 0;
    if (file.kind === "denied" || file.kind === "too_large") unseen += 1;
    if (file.kind !== "text") continue;
    looked += 1;
    const providers = keyShapesIn(file.text);
    if (providers.length > 0) places.push({ path, kind, providers, isOpen: await isOpenToOthers(machine, path) });
  }
  const value = { looked, unseen, places: places.slice(0, MAX_PLACES) };
  const seen = known(value, {
    level: "runtime",
    source: "histories, units, environment files, logs, copies of configurations",
    at: machine.now(),
    raw: JSON.stringify(value),
    excerpt: `${String(looked)} files, keys in ${places.map(({ path }) => path).join(", ") || "none"}`,
  });
  const gap = machine.isRoot
    ? ({ why: "not_visible", source: `${String(unseen)} files that are too large to look through` } as const)
    : ({ why: "not_root", source: "histories and files of other users" } as const);
  return { "secrets.plaintext": machine.isRoot && unseen === 0 ? seen : { ...seen, gap } };
}

async function candidatesOf(
  machine: Machine,
  gateways: readonly GatewayRow[],
): Promise<readonly (readonly [PlaceKind, string])[]> {
  const homes = (await peopleOf(machine)).map(({ home }) => home).filter((home) => home !== "/");
  const states = gateways.map(({ directory }) => directory);
  const listed = await Promise.all(
    [
      ...DIRECTORIES,
      ...homes.map((home) => ["unit", join(home, ".config/systemd/user"), /\.service$/] as const),
      ...states.map((state) => ["log", join(state, "logs"), /\.log$/] as const),
      ...states.map((state) => ["file", state, /^(?:openclaw\.json.*|\.env)$/] as const),
      ...states.map((state) => ["file", join(state, "workspace"), /^\.env/] as const),
    ].map(async ([kind, directory, name]) =>
      ((await machine.list(directory)) ?? [])
        .filter((one) => name.test(one))
        .map((one): readonly [PlaceKind, string] => [kind, join(directory, one)]),
    ),
  );
  const dropIns = await Promise.all(
    ((await machine.list("/etc/systemd/system")) ?? [])
      .filter((name) => name.endsWith(".service.d"))
      .map(async (name) => {
        const directory = join("/etc/systemd/system", name);
        return ((await machine.list(directory)) ?? []).map((one): readonly [PlaceKind, string] => [
          "unit",
          join(directory, one),
        ]);
      }),
  );
  const inHomes = homes.flatMap((home) =>
    IN_HOMES.map(([kind, name]): readonly [PlaceKind, string] => [kind, join(home, name)]),
  );
  return [...FILES, ...inHomes, ...listed.flat(), ...dropIns.flat()];
}

/** Readable by others, and so is every directory on the way to it. */
async function isOpenToOthers(machine: Machine, path: string): Promise<boolean> {
  const file = await machine.look(path);
  if (file === undefined || (file.mode & 0o004) === 0) return false;
  for (let above = dirname(path); above !== "/"; above = dirname(above)) {
    const directory = await machine.look(above);
    if (directory?.kind === "directory" && (directory.mode & 0o001) === 0) return false;
  }
  return true;
}

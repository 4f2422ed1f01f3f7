/** Facts about what changes unseen: programs that give rights, files that decide what runs, the log, updates. */
import { createHash } from "node:crypto";
import type { Drift } from "../baseline.ts";
import type { Collector, Setting } from "../collector.ts";
import { unknown } from "../fact.ts";
import type { FactSet } from "../facts.ts";
import type { Machine } from "../machine.ts";
import { filesDrift, setuidDrift, walk, type Walk } from "./integrity/files.ts";
import { readClock, readJournal, type Clock, type Journal } from "./integrity/journal.ts";
import { readPending, readSettings, type Pending, type UpdateSettings } from "./integrity/updates.ts";

export interface IntegrityFacts {
  "log.journal": Journal & Marked;
  "log.clock": Clock;
  "updates.settings": UpdateSettings & Marked;
  "updates.pending": Pending;
  "files.walk": Walk;
  "files.setuid.drift": Drift;
  "files.drift": Drift;
}

interface Marked {
  /** Of the files that it was put together from. */
  readonly mark: string;
}

const REPEAT_SECONDS = 20 * 3_600;
const SETTINGS = [
  "/etc/systemd/journald.conf",
  "/etc/systemd/journald.conf.d",
  "/run/systemd/journald.conf.d",
  "/var/log/journal",
  "/etc/apt/apt.conf.d",
  "/etc/apt/apt.conf",
  "/usr/bin/unattended-upgrade",
  "/etc/systemd/system",
  "/etc/systemd/system/timers.target.wants",
] as const;

/** Two programs less a minute: settings are put together again only when one of their files moved. */
async function collectSettings({ machine, kept }: Setting): Promise<FactSet> {
  const mark = await markOf(machine);
  const isStill = (["log.journal", "updates.settings"] as const).every((name) => {
    const fact = kept?.[name];
    return fact?.kind === "known" && fact.value.mark === mark && machine.now() - fact.evidence.at < REPEAT_SECONDS;
  });
  if (isStill) return {};
  const [journal, updates] = await Promise.all([readJournal(machine), readSettings(machine)]);
  return {
    "log.journal": journal.kind === "unknown" ? journal : { ...journal, value: { ...journal.value, mark } },
    "updates.settings": updates.kind === "unknown" ? updates : { ...updates, value: { ...updates.value, mark } },
  };
}

async function markOf(machine: Machine): Promise<string> {
  const seen = await Promise.all(SETTINGS.map((path) => factsBelow(machine, path)));
  return createHash("sha256").update(JSON.stringify(seen)).digest("base64url");
}

async function factsBelow(machine: Machine, path: string): Promise<readonly unknown[]> {
  const own = await machine.look(path);
  if (own?.kind !== "directory") return [path, own];
  const names = (await machine.list(path)) ?? [];
  const below = await Promise.all(
    names.slice(0, 200).map(async (name) => [name, await machine.look(`${path}/${name}`)]),
  );
  return [path, own, ...below];
}

/** What a brief look leaves out. */
const WALK = "a walk over all files, in a deep look: sudo clawhold audit --deep";

async function collectSlow({ machine, directory, soFar, isBrief = false }: Setting): Promise<FactSet> {
  const place = { machine, directory };
  const versions = soFar["gateway.version"];
  const packages =
    versions?.kind === "known" ? versions.value.map(({ path }) => path.replace(/\/package\.json$/, "")) : [];
  const [clock, pending, walked] = await Promise.all([
    readClock(machine),
    readPending(machine),
    isBrief ? unknown("not_run", WALK) : walk(machine),
  ]);
  return {
    "log.clock": clock,
    "updates.pending": pending,
    "files.walk": walked,
    "files.setuid.drift": await setuidDrift(place, walked),
    "files.drift": isBrief ? unknown("not_run", WALK) : await filesDrift(place, [...new Set(packages)]),
  };
}

export const integrityCollectors: readonly Collector[] = [
  { name: "integrity", lane: "fast", gives: ["log.journal", "updates.settings"], collect: collectSettings },
  {
    name: "integrity-slow",
    lane: "slow",
    gives: ["log.clock", "updates.pending", "files.walk", "files.setuid.drift", "files.drift"],
    after: ["gateway.version"],
    collect: collectSlow,
  },
];
